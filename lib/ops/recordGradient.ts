import * as tf from '@tensorflow/tfjs';

/**
 * The identity; in the backward pass it hands the gradient of its result to a listener.
 *
 * @param x       any shape
 * @param listen  called once a backward pass that comes through here, with a tensor of x's shape that is freed when the
 *                backward pass ends: clone and keep it to hold on to it (`Capture.offer` does)
 *
 * A backward pass that does not come through x (nothing it is differentiated by leads to x) does not call the listener.
 *
 * @example
 * const seen = recordGradient(probabilities, (dOut) => capture.offer('blocks.0.attn_grad', dOut));
 */
export function recordGradient<T extends tf.Tensor>(x: T, listen: (dOut: T) => void): T {
  const identity = tf.customGrad((input) => ({
    value: tf.clone(input as T),
    gradFunc: (dOut: T) => {
      listen(dOut);
      return tf.clone(dOut);
    },
  }));
  return identity(x);
}
