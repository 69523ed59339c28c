// The feed-forward layer of a block.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { activate, isGelu, type ActivationForm } from '../ops/activation.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, step, wantsAny } from '../core/intercept.ts';
import type { MlpBranchInputs } from '../core/kernels.ts';
import { Module } from '../core/module.ts';
import { Dropout } from './drop.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { Linear } from './linear.ts';
import { makeNorm, type Norm, type NormKind } from './norm.ts';

/** The configuration of an `Mlp`. */
export interface MlpConfig {
  dim: number;
  hiddenDim: number;
  activation?: ActivationForm;
  /** False: no layer has a bias; default true. */
  bias?: boolean;
  /** The kind of a norm before `fc2`; default: there is none. */
  norm?: NormKind | undefined;
  /** ε of that norm. */
  normEps?: number;
  /** False: the gate of a gated layer starts like other layers; default true: near zero with a bias of 1, as timm's starts. */
  gateInit?: boolean;
  /** Rate of the dropouts after the activation and after `fc2`. */
  drop?: number;
}

/**
 * y = drop2(fc2(norm(drop1(act(fc1(x)))))), [B, N, C] → [B, N, F] → [B, N, C].
 *
 * `fc1` and a form of GELU are one op, unless an interceptor wants one of them: the steps `<path>.fc1` and `<path>.act`.
 */
export class Mlp extends Module {
  readonly fc1: Linear;
  readonly drop1: Dropout;
  readonly norm: Norm | undefined;
  readonly fc2: Linear;
  readonly drop2: Dropout;
  readonly activation: ActivationForm;
  readonly path: string;
  /** The paths of all steps that can run in here, its own among them. */
  readonly steps: readonly string[];
  private readonly apart: readonly [fc1: string, act: string];

  constructor(config: MlpConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', hiddenDim: 'count', drop: 'rate?', bias: 'boolean?' } as const;
    assertFields('Mlp', config, kinds);
    assertScope(scope);
    const { dim, hiddenDim, activation = 'erf', drop = 0, bias = true, normEps = 1e-6 } = config;
    const dense = (name: string, inFeatures: number, outFeatures: number) =>
      this.child(name, new Linear({ inFeatures, outFeatures, bias }, inside(scope, name)));
    const dropout = (name: string) => this.child(name, new Dropout(drop, inside(scope, name)));
    this.path = scope.path;
    this.activation = activation;
    this.fc1 = dense('fc1', dim, hiddenDim);
    this.drop1 = dropout('drop1');
    if (config.norm !== undefined) {
      const norm = { dim: hiddenDim, epsilon: normEps };
      this.norm = this.child('norm', makeNorm(config.norm, norm, inside(scope, 'norm')));
    }
    this.fc2 = dense('fc2', hiddenDim, dim);
    this.drop2 = dropout('drop2');
    this.apart = [this.fc1.path, inside(scope, 'act').path];
    const { drop1, fc2, drop2 } = this;
    this.steps = [this.path, ...this.apart, ...[drop1, fc2, drop2].map(({ path }) => path)];
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { drop1, norm, fc2, drop2 } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const hidden = drop1.forward(this.activated(given, context), context);
        const normed = norm?.forward(hidden, context) ?? hidden;
        return drop2.forward(fc2.forward(normed, context), context);
      }),
    );
  }

  /** Whether it is the MLP that ops can join: with a form of GELU, and without a norm inside. */
  get isPlain(): boolean {
    return this.norm === undefined && isGelu(this.activation);
  }

  /** Whether all of it can be part of one op: not while a dropout acts. */
  isFusible(context: ForwardContext): boolean {
    return this.isPlain && !this.drop1.acts(context);
  }

  /** The weights as `mlpBranch` takes them. */
  branchInputs(): Pick<MlpBranchInputs, 'fc1' | 'bias1' | 'fc2' | 'bias2'> {
    const { fc1, fc2 } = this;
    return {
      fc1: fc1.weight as tf.Tensor2D,
      fc2: fc2.weight as tf.Tensor2D,
      ...(fc1.bias && { bias1: fc1.bias as tf.Tensor1D }),
      ...(fc2.bias && { bias2: fc2.bias as tf.Tensor1D }),
    };
  }

  private activated(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
    const { fc1, activation, apart } = this;
    if (isGelu(activation) && !wantsAny(context, apart)) return fc1.fused(x, activation, context);
    const sums = fc1.forward(x, context);
    return step(apart[1], [sums], context, (given) => activate(given, activation));
  }
}
