import * as tf from '@tensorflow/tfjs';

/**
 * The same values in memory of the backend's own.
 *
 * A tensor made of an array shares that array on some backends, and its owner may still hold it: there an optimizer step needs new
 * memory, and the array stays for as long as anybody has it. A copy can be written over.
 *
 * @example
 * tf.tidy(() => weight.assign(ownCopy(weight)));
 */
export function ownCopy<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => tf.reshape(tf.tile(tf.reshape(x, [x.size]), [1]), x.shape) as T);
}
