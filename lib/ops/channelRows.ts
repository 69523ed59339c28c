// The inputs of a normalisation over channels, checked and as rows.

import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertRank, assertShape, assertTensor, sizeOf } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';

/**
 * x as rows, [..., C] → [R, C], beside a gain and an offset of its channels.
 *
 * @throws ShapeError if C differs; InputError if epsilon is negative or not finite
 */
export function channelRows(
  x: tf.Tensor,
  { gamma, beta }: { gamma: tf.Tensor1D; beta: tf.Tensor1D },
  epsilon: number,
): tf.Tensor2D {
  assertTensor('x', x);
  assertRank('gamma', gamma, 1);
  const [size] = gamma.shape;
  assertShape('beta', beta, [size]);
  if (x.shape.at(-1) !== size) {
    throw new ShapeError(expected(`a last axis of ${size}, the size of gamma,`, 'x', x.shape));
  }
  assertNumber('epsilon', epsilon, { min: 0 });
  return tf.reshape<tf.Rank.R2>(x, [sizeOf(x.shape.slice(0, -1)), size]);
}
