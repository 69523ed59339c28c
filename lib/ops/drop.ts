import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertRank, assertShape } from '../core/check.ts';

/**
 * Stochastic depth: drops a whole sample of a residual branch and scales up the others, so that the mean stays.
 *
 * out[b,…] = x[b,…]·keep[b] / (1 − rate); all zeros at rate 1
 *
 * @param x     [B, ...]
 * @param keep  [B], 1 keeps, 0 drops; drawn by the caller with P(1) = 1 − rate
 * @param rate  probability of a drop, 0 ≤ rate ≤ 1
 * @throws ShapeError if keep is not [B]; InputError for a rate out of range
 *
 * Differentiable in x. Source: Huang et al. 2016; scaling as timm's `drop_path`.
 */
export function dropPath<T extends tf.Tensor>(x: T, keep: tf.Tensor1D, rate: number): T {
  assertShape('keep', keep, [x.shape[0] ?? 1]);
  return tf.tidy(() => {
    const perSample = [keep.size, ...x.shape.slice(1).map(() => 1)];
    return tf.mul(x, tf.reshape(tf.mul(keep, survivorGain(rate)), perSample)) as T;
  });
}

/**
 * Dropout with a given mask, scaled so that the mean stays.
 *
 * out = x·keepMask / (1 − rate); all zeros at rate 1
 *
 * @param x         any shape
 * @param keepMask  1 keeps, 0 drops; of the same rank as x, an axis may have size 1 to share its draw
 * @param rate      probability of a drop, 0 ≤ rate ≤ 1
 * @throws ShapeError if the mask does not fit; InputError for a rate out of range
 *
 * Differentiable in x. Source: Srivastava et al. 2014.
 */
export function dropout<T extends tf.Tensor>(x: T, keepMask: tf.Tensor, rate: number): T {
  assertRank('keepMask', keepMask, x.rank);
  const fitting = x.shape.map((size, axis) => (keepMask.shape[axis] === 1 ? 1 : size));
  assertShape('keepMask', keepMask, fitting);
  return tf.tidy(() => tf.mul(x, tf.mul(keepMask, survivorGain(rate))) as T);
}

function survivorGain(rate: number): number {
  assertNumber('rate', rate, { min: 0, max: 1 });
  return rate === 1 ? 0 : 1 / (1 - rate);
}
