// Tolerances derived from the causes of rounding errors, and a comparison whose failure names the worst element.

import type * as tf from '@tensorflow/tfjs';

// These are local because each look-up of a global costs 0.2 µs in jest's sandbox.
const { abs, max, sqrt } = Math;
const { isNaN, MIN_VALUE: smallest } = Number;

/** The distance from 1 to the next float32. */
export const EPS32 = 2 ** -23;

/**
 * The causes by which two correct float32 computations of one formula may differ.
 *
 * @property terms   length of the longest sum: rounding errors of a sum grow with √terms
 * @property gain    how much the formula magnifies an error of its input, relative to the largest result; default 1
 * @property safety  for chains of a few roundings and unlucky draws; default 8
 */
export interface Reasons {
  terms?: number;
  gain?: number;
  safety?: number;
}

/** eps·√terms·gain·safety, to be taken relative to the largest element. */
export function tolerance({ terms = 1, gain = 1, safety = 8 }: Reasons = {}): number {
  return EPS32 * sqrt(terms) * gain * safety;
}

/** Tensors or plain arrays of numbers. */
export type Values = tf.Tensor | ArrayLike<number>;

/**
 * Throws unless |actual − expected| ≤ atol + rtol·|expected| everywhere; NaN and infinities must be equal.
 *
 * @param options.rtol  default 0
 * @param options.atol  default 0
 * @param options.ofLargest  also allowed: this share of the largest |expected|
 * @throws Error naming the worst index, both values there, the largest absolute and relative difference
 */
export function assertAllClose(
  actual: Values,
  expected: Values,
  { name = 'values', rtol = 0, atol = 0, ofLargest = 0 } = {},
): void {
  const [a, e] = [toArray(actual), toArray(expected)];
  if (a.length !== e.length) throw new Error(`${name}: ${a.length} values, expected ${e.length}`);
  const base = atol + ofLargest * largest(e);
  let worst = { index: -1, excess: 0 };
  let [maxAbs, maxRel] = [0, 0];
  for (let i = 0; i < e.length; i += 1) {
    const difference = (a[i] !== a[i] && e[i] !== e[i]) || a[i] === e[i] ? 0 : abs(a[i]! - e[i]!);
    const excess = difference / (base + rtol * abs(e[i]!) || smallest);
    maxAbs = max(maxAbs, difference);
    if (difference > 0) maxRel = max(maxRel, difference / abs(e[i]!));
    // Every comparison with NaN is false, so it is tested explicitly.
    if (excess > max(worst.excess, 1) || (isNaN(excess) && worst.index === -1)) {
      worst = { index: i, excess };
    }
  }
  if (worst.index === -1) return;
  const { index } = worst;
  throw new Error(
    `${name}[${index}] is ${a[index]}, expected ${e[index]} ` +
      `(max abs ${maxAbs.toExponential(2)}, max rel ${maxRel.toExponential(2)}; ` +
      `allowed ${base.toExponential(2)} + ${rtol.toExponential(2)}·|expected|)`,
  );
}

/** The cosine of the angle between two vectors; 1 if both are zero. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return aa === 0 && bb === 0 ? 1 : dot / sqrt(aa * bb);
}

/** ‖a − b‖ / ‖b‖; 0 if both are zero. */
export function relativeL2(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i += 1) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return difference === 0 ? 0 : sqrt(difference / norm);
}

/** The largest magnitude; 0 for nothing. */
export function largest(values: ArrayLike<number>): number {
  let top = 0;
  for (let i = 0; i < values.length; i += 1) top = max(top, abs(values[i]!));
  return top;
}

function toArray(values: Values): ArrayLike<number> {
  return 'dataSync' in values ? values.dataSync() : values;
}
