// One sample repeated for a batch.

import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertShape } from '../core/check.ts';

/**
 * The same values for every sample: [1, …] → [B, …].
 *
 * It is `tf.broadcastTo` with a faster gradient: a single sum, where tfjs 4.22 takes one slice and one sum for each sample.
 *
 * @throws ShapeError if the first axis of x is not 1; InputError unless batch is a whole number
 */
export function repeatForBatch<T extends tf.Tensor>(x: T, batch: number): T {
  const rest = x.shape.slice(1);
  assertShape('x', x, [1, ...rest]);
  assertInteger('batch', batch, { min: 0 });
  // tfjs takes the gradient of a sum by a factor of one sample for that of its shape where there is no sample.
  if (batch === 0) return tf.tile(x, [0, ...rest.map(() => 1)]);
  return tf.tidy(() => tf.add<T>(tf.zeros([batch, ...rest]), x));
}
