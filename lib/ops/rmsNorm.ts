// Root-mean-square normalisation over the last axis.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertRank, assertTensor } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';

/**
 * Root-mean-square normalisation over the last axis, without a mean and without an offset.
 *
 * out[…,c] = x[…,c]·gamma[c] / √(mean(x²) + epsilon)
 *
 * @param x      [..., C]
 * @param gamma  gain, [C]
 * @param options.epsilon  default 1e-6, as timm's `RmsNorm`
 * @throws ShapeError if C differs; InputError if epsilon is negative or not finite
 *
 * It is made of plain ops on every backend, differentiable in x and gamma.
 *
 * Source: Zhang & Sennrich 2019, "Root mean square layer normalization".
 */
export function rmsNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  options: { epsilon?: number } = {},
): T {
  assertKind('options of rmsNorm', options, 'instance');
  const { epsilon = 1e-6 } = options;
  assertTensor('x', x);
  assertRank('gamma', gamma, 1);
  const [size] = gamma.shape;
  if (x.shape.at(-1) !== size) {
    throw new ShapeError(expected(`a last axis of ${size}, the size of gamma,`, 'x', x.shape));
  }
  assertNumber('epsilon', epsilon, { min: 0 });
  return tf.tidy(() => {
    const power = tf.mean(tf.square(x), x.rank - 1, true);
    return tf.mul(tf.div(x, tf.sqrt(tf.add(power, epsilon))), gamma);
  });
}
