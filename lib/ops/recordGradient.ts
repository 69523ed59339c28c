// Gradient hooks: ops that are the identity in the forward pass and read or replace the gradient in the backward pass.

import { assertKind } from '../core/kinds.ts';
import { assertTensor } from '../core/check.ts';
import * as tf from '@tensorflow/tfjs';

/**
 * The identity; in the backward pass the gradient of its result goes through a function.
 *
 * @param x    any shape
 * @param map  called once a backward pass that reaches x, with the gradient in x's shape; it returns the gradient that goes on,
 *             of the same shape
 *
 * A backward pass that does not reach x, because no variable of the differentiation leads to x, does not call the function.
 */
export function mapGradient<T extends tf.Tensor>(x: T, map: (dOut: T) => T): T {
  assertTensor('x', x);
  assertKind('map', map, 'function');
  const identity = tf.customGrad((input) => ({
    value: tf.clone(input as T),
    gradFunc: (dOut: T) => tf.clone(map(dOut)),
  }));
  return identity(x);
}

/**
 * The identity; in the backward pass it hands the gradient of its result to a listener.
 *
 * @param x       any shape
 * @param listen  called once a backward pass that reaches x, with a tensor of x's shape that is freed when the backward pass
 *                ends; `tf.keep(tf.clone(dOut))` outlives it
 *
 * @example
 * const seen = recordGradient(x, (dOut) => gradients.push(tf.keep(tf.clone(dOut))));
 */
export function recordGradient<T extends tf.Tensor>(x: T, listen: (dOut: T) => void): T {
  assertKind('listen', listen, 'function');
  return mapGradient(x, (dOut) => {
    listen(dOut);
    return dOut;
  });
}
