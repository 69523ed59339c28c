// Helpers of the tests of kernels on images.

import * as tf from '@tensorflow/tfjs';
import { Rng } from '../../lib/core/rng.ts';
import { normals, type Arrays } from './native.ts';

export const rng = new Rng(29);
/** The tolerance of results that are compared element by element. */
export const close = { rtol: 1e-5, atol: 1e-5 };
export type Pad = 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
export type Shape4 = [number, number, number, number];

/** Numbers with NaN, infinities and zeros of both signs among them. */
export function odd(...shape: number[]): Arrays[number] {
  const some = normals(rng, ...shape);
  const specials = [NaN, Infinity, -Infinity, 0, -0];
  for (let i = 0; i < some.values.length; i += 3) some.values[i] = specials[(i / 3) % 5]!;
  return some;
}

/** The gradient of x by an op, from that of its result. */
export function gradientOf(
  f: (x: tf.Tensor) => tf.Tensor,
): (x: tf.Tensor, dy: tf.Tensor) => tf.Tensor {
  return (x, dy) => tf.grad(f)(x, dy);
}
