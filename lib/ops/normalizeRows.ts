// Rows of a matrix as vectors of length 1.

import * as tf from '@tensorflow/tfjs';
import { assertRank } from '../core/check.ts';

/**
 * y[i, :] = x[i, :] / max(‖x[i, :]‖, 1e-12), [M, C] → [M, C]; a row of zeros stays, with a gradient that is finite.
 *
 * Source: torch.nn.functional.normalize.
 */
export function normalizeRows(x: tf.Tensor2D): tf.Tensor2D {
  assertRank('x', x, 2);
  return tf.tidy(() => {
    const squares = tf.sum(tf.square(x), 1, true);
    return tf.div<tf.Tensor2D>(x, tf.sqrt(tf.maximum(squares, 1e-24)));
  });
}
