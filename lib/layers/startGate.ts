// The first weights of a gate in a gated feed-forward layer.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { normal } from '../core/init.ts';
import { initial, type InitScope } from './initScope.ts';
import type { Linear } from './linear.ts';

/**
 * Draws the rows of a linear layer from a row on anew, near zero, and sets their biases to 1; nothing where weights are not drawn.
 *
 * Source: timm/layers/mlp.py, `init_weights` of GluMlp and SwiGLU, which begin at the middle and at the first row.
 */
export function startGate({ weight, bias }: Linear, from: number, scope: InitScope): void {
  if (scope.rng === undefined) return;
  const [rows, columns] = weight.shape as [number, number];
  t.tidy(() => {
    const draw: Parameters<typeof initial>[3] = (shape, rng) => normal(shape, rng, { std: 1e-6 });
    const gate = initial(scope, 'gate', [rows - from, columns], draw) as tf.Tensor2D;
    const kept = t.slice(weight as tf.Tensor as tf.Tensor2D, [0, 0], [from, columns]);
    weight.assign(t.concat([kept, gate], 0));
    bias?.assign(t.concat([t.zeros([from]), t.ones([rows - from])]));
  });
}
