// Dropout with a given mask.

import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertRank, assertShape, assertTensor } from '../core/check.ts';

/**
 * Dropout with a given mask, scaled so that the mean stays.
 *
 * out = x·keepMask / (1 − rate); all zeros at rate 1
 *
 * @param x         any shape
 * @param keepMask  1 keeps, 0 drops; it has the rank of x, and an axis of size 1 shares its draw
 * @param rate      probability of a drop, 0 ≤ rate ≤ 1
 * @throws ShapeError if the mask does not fit; InputError for a rate out of range
 *
 * Differentiable in x. Source: Srivastava et al. 2014.
 */
export function dropout<T extends tf.Tensor>(x: T, keepMask: tf.Tensor, rate: number): T {
  assertTensor('x', x);
  assertRank('keepMask', keepMask, x.rank);
  const fitting = x.shape.map((size, axis) => (keepMask.shape[axis] === 1 ? 1 : size));
  assertShape('keepMask', keepMask, fitting);
  return tf.tidy(() => tf.mul<T>(x, tf.mul(keepMask, dropoutScale(rate))));
}

/** The factor of the values that dropout keeps: 1 / (1 − rate), 0 at rate 1. @throws InputError for a rate outside of 0 … 1 */
export function dropoutScale(rate: number): number {
  assertNumber('rate', rate, { min: 0, max: 1 });
  return rate === 1 ? 0 : 1 / (1 - rate);
}
