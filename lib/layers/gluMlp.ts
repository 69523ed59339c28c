// The gated feed-forward layer with one packed input layer.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { activate, type ActivationForm } from '../ops/activation.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, step } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import { InputError, expected } from '../core/errors.ts';
import { Dropout } from './drop.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { Linear } from './linear.ts';
import { startGate } from './startGate.ts';
import type { MlpConfig } from './mlp.ts';
import { makeNorm, type Norm } from './norm.ts';

/**
 * y = drop2(fc2(norm(drop1(act(a) ⊙ b)))) with [a, b] = fc1(x): [B, N, C] → [B, N, F] → [B, N, F/2] → [B, N, C].
 *
 * `hiddenDim` is F, the width of `fc1`, which holds the gate a in its first half and the values b in its second. An interceptor knows the
 * activation as the step `<path>.act` and the product as `<path>.gate`.
 *
 * Source: Shazeer 2020, "GLU variants improve Transformer"; names are those of timm's GluMlp with `gate_last` false (SwiGLUPacked).
 */
export class GluMlp extends Module {
  readonly fc1: Linear;
  readonly drop1: Dropout;
  readonly norm: Norm | undefined;
  readonly fc2: Linear;
  readonly drop2: Dropout;
  readonly activation: ActivationForm;
  readonly path: string;
  private readonly names: readonly [act: string, gate: string];

  /** @throws InputError if `hiddenDim` is odd */
  constructor(config: MlpConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', hiddenDim: 'count', drop: 'rate?', bias: 'boolean?' } as const;
    assertFields('GluMlp', config, kinds);
    assertScope(scope);
    const { dim, hiddenDim, activation = 'silu', drop = 0, bias = true, normEps = 1e-6 } = config;
    if (hiddenDim % 2 !== 0) throw new InputError(expected('an even number', 'hiddenDim', hiddenDim)); // prettier-ignore
    const half = hiddenDim / 2;
    const dense = (name: string, inFeatures: number, outFeatures: number) =>
      this.child(name, new Linear({ inFeatures, outFeatures, bias }, inside(scope, name)));
    const dropout = (name: string) => this.child(name, new Dropout(drop, inside(scope, name)));
    this.path = scope.path;
    this.activation = activation;
    this.fc1 = dense('fc1', dim, hiddenDim);
    this.drop1 = dropout('drop1');
    if (config.norm !== undefined) {
      const norm = { dim: half, epsilon: normEps };
      this.norm = this.child('norm', makeNorm(config.norm, norm, inside(scope, 'norm')));
    }
    this.fc2 = dense('fc2', half, dim);
    this.drop2 = dropout('drop2');
    if (config.gateInit !== false) startGate(this.fc1, half, inside(scope, 'fc1'));
    this.names = [inside(scope, 'act').path, inside(scope, 'gate').path];
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { fc1, drop1, norm, fc2, drop2, activation, names } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const packed = fc1.forward(given, context);
        const [batch, tokens, width] = packed.shape;
        const half = width / 2;
        const part = (from: number) => t.slice(packed, [0, 0, from], [batch, tokens, half]);
        const gate = step(names[0], [part(0)] as const, context, (a) => activate(a, activation));
        const product = step(names[1], [gate, part(half)] as const, context, (a, b) =>
          t.mul<tf.Tensor3D>(a, b),
        );
        const hidden = drop1.forward(product, context);
        return drop2.forward(
          fc2.forward(norm?.forward(hidden, context) ?? hidden, context),
          context,
        );
      }),
    );
  }
}
