// The linear layer, y = x·Wᵀ + b.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { linear } from '../ops/linear.ts';
import { sizeOf } from '../core/check.ts';
import type { ForwardContext } from '../core/context.ts';
import { normal, truncNormal, xavierUniform } from '../core/init.ts';
import { moduleStep } from '../core/intercept.ts';
import type { GeluForm } from '../core/kernels.ts';
import { Module, type Parameter } from '../core/module.ts';
import type { Rng } from '../core/rng.ts';
import { assertScope, initial, type InitScope } from './initScope.ts';

/** The configuration of a `Linear`. */
export interface LinearConfig {
  inFeatures: number;
  outFeatures: number;
  bias?: boolean;
}

/**
 * y = x·Wᵀ + b on the last axis, [..., I] → [..., O].
 *
 * Parameters `weight` [O, I] and `bias` [O] as torch.nn.Linear has them. They start as `scope.weightInit` says.
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly path: string;

  constructor(config: LinearConfig, scope: InitScope) {
    super();
    const kinds = { inFeatures: 'count', outFeatures: 'count', bias: 'boolean?' } as const;
    assertFields('Linear', config, kinds);
    assertScope(scope);
    const { inFeatures, outFeatures, bias = true } = config;
    this.path = scope.path;
    const draw = drawsOf(scope);
    const shape = [outFeatures, inFeatures];
    this.weight = this.parameter('weight', initial(scope, 'weight', shape, draw.weight));
    if (bias) this.bias = this.parameter('bias', initial(scope, 'bias', [outFeatures], draw.bias));
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    return moduleStep(this, x, context, (given) => this.fused(given, 'none', context));
  }

  /** The layer and the activation after it as one op: act(x·Wᵀ + b). It is no step of its own for an interceptor. */
  fused<T extends tf.Tensor>(
    x: T,
    activation: 'none' | GeluForm,
    { precision }: ForwardContext = {},
  ): T {
    const weight = this.weight as tf.Tensor2D;
    const bias = this.bias as tf.Tensor1D | undefined;
    return linear(x, weight, bias, { activation, precision }) as T;
  }
}

type Draw = (shape: readonly number[], rng: Rng) => Float32Array;

function drawsOf({ path, weightInit = 'timm' }: InitScope): { weight: Draw; bias: Draw } {
  const zeros: Draw = (shape) => new Float32Array(sizeOf(shape));
  if (weightInit === 'timm') return { weight: (s, r) => truncNormal(s, r), bias: zeros };
  if (/^head(_dist)?$/.test(path)) return { weight: zeros, bias: zeros };
  const nearZero: Draw = (s, r) => normal(s, r, { std: 1e-6 });
  return { weight: xavierUniform, bias: path.includes('mlp') ? nearZero : zeros };
}
