// The precisions of matrix products: fp32 and bf16.

import { assertOneOf } from './check.ts';

/** The precisions that a model's products can have. */
export const precisions = ['fp32', 'bf16'] as const;

/**
 * The precision to which the operands of a matrix product are rounded. Sums, weights, norms, softmax statistics and losses are
 * float32 in both, and so is every tensor that a user sees.
 *
 * fp32: not rounded. bf16: the 8 leading bits of the significand, to the nearest, ties to even, in the forward pass and in both
 * products of the backward pass.
 */
export type Precision = (typeof precisions)[number];

const otherSpellings = new Map<unknown, Precision>([
  ['float32', 'fp32'],
  ['bfloat16', 'bf16'],
]);

/** A precision by its name or by torch's name of the type. @throws InputError for another value */
export function parsePrecision(value: unknown): Precision {
  const precision = otherSpellings.get(value) ?? value;
  assertOneOf('precision', precision, precisions);
  return precision;
}
