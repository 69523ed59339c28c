// A copy of a tensor in memory that nothing else shares.

import * as tf from '@tensorflow/tfjs';

/**
 * A deep copy: the same values in memory that belongs to the backend alone.
 *
 * On some backends a tensor made from an array shares its memory, and the array's owner may still read it. An optimizer step then
 * needs new memory, and the array is not freed. A copy can be overwritten.
 *
 * @example
 * tf.tidy(() => weight.assign(deepCopy(weight)));
 */
export function deepCopy<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => tf.reshape(tf.tile(tf.reshape(x, [x.size]), [1]), x.shape) as T);
}
