// The gated feed-forward layer with two input layers.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { activate, type ActivationForm } from '../ops/activation.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, step } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import { Dropout } from './drop.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { Linear } from './linear.ts';
import { startGate } from './startGate.ts';
import type { MlpConfig } from './mlp.ts';
import { makeNorm, type Norm } from './norm.ts';

/**
 * y = drop2(fc2(norm(drop1(act(fc1_g(x)) ⊙ fc1_x(x))))), [B, N, C] → [B, N, F] → [B, N, C].
 *
 * An interceptor knows the activation as the step `<path>.act` and the product as `<path>.gate`.
 *
 * Source: Shazeer 2020, "GLU variants improve Transformer"; names are those of timm's SwiGLU.
 */
export class SwiGlu extends Module {
  readonly fc1G: Linear;
  readonly fc1X: Linear;
  readonly drop1: Dropout;
  readonly norm: Norm | undefined;
  readonly fc2: Linear;
  readonly drop2: Dropout;
  readonly activation: ActivationForm;
  readonly path: string;
  private readonly names: readonly [act: string, gate: string];

  constructor(config: MlpConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', hiddenDim: 'count', drop: 'rate?', bias: 'boolean?' } as const;
    assertFields('SwiGlu', config, kinds);
    assertScope(scope);
    const { dim, hiddenDim, activation = 'silu', drop = 0, bias = true, normEps = 1e-6 } = config;
    const dense = (name: string, inFeatures: number, outFeatures: number) =>
      this.child(name, new Linear({ inFeatures, outFeatures, bias }, inside(scope, name)));
    const dropout = (name: string) => this.child(name, new Dropout(drop, inside(scope, name)));
    this.path = scope.path;
    this.activation = activation;
    this.fc1G = dense('fc1_g', dim, hiddenDim);
    this.fc1X = dense('fc1_x', dim, hiddenDim);
    this.drop1 = dropout('drop1');
    if (config.norm !== undefined) {
      const norm = { dim: hiddenDim, epsilon: normEps };
      this.norm = this.child('norm', makeNorm(config.norm, norm, inside(scope, 'norm')));
    }
    this.fc2 = dense('fc2', hiddenDim, dim);
    this.drop2 = dropout('drop2');
    if (config.gateInit !== false) startGate(this.fc1G, 0, inside(scope, 'fc1_g'));
    this.names = [inside(scope, 'act').path, inside(scope, 'gate').path];
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { fc1G, fc1X, drop1, norm, fc2, drop2, activation, names } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const sums = fc1G.forward(given, context);
        const gate = step(names[0], [sums] as const, context, (a) => activate(a, activation));
        const values = fc1X.forward(given, context);
        const product = step(names[1], [gate, values] as const, context, (a, b) =>
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
