// Stochastic depth: dropping the residual branch of whole samples.

import * as tf from '@tensorflow/tfjs';
import { assertShape, assertTensor } from '../core/check.ts';
import { dropoutScale } from './dropout.ts';

/**
 * Stochastic depth: drops the residual branch of whole samples and scales up the others, so that the mean stays.
 *
 * out[b,…] = x[b,…]·keepMask[b] / (1 − rate); all zeros at rate 1
 *
 * @param x         [B, ...]
 * @param keepMask  [B], 1 keeps, 0 drops; drawn by the caller with P(1) = 1 − rate
 * @param rate      probability of a drop, 0 ≤ rate ≤ 1
 * @throws ShapeError if keepMask is not [B]; InputError for a rate out of range
 *
 * Differentiable in x. Source: Huang et al. 2016; scaling as timm's `drop_path`.
 */
export function dropPath<T extends tf.Tensor>(x: T, keepMask: tf.Tensor1D, rate: number): T {
  assertTensor('x', x);
  assertShape('keepMask', keepMask, [x.shape[0] ?? 1]);
  return tf.tidy(() => {
    const perSample = [keepMask.size, ...x.shape.slice(1).map(() => 1)];
    return tf.mul<T>(x, tf.reshape(tf.mul(keepMask, dropoutScale(rate)), perSample));
  });
}
