// The precisions of matrix products: fp32 and bf16.

import { parseOption } from './option.ts';
import type { Option } from './option.ts';

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

/** The option by which a precision is chosen; torch's names of the types are other spellings. */
export const precisionOption = {
  type: 'string',
  describe: 'Precision of matrix products; sums and weights are float32 in both',
  choices: precisions,
  spellings: { float32: 'fp32', bfloat16: 'bf16' },
  default: 'fp32',
} as const satisfies Option;

/** A precision by its name or by torch's name of the type. @throws InputError for another value */
export function parsePrecision(value: unknown): Precision {
  return parseOption(precisionOption, value, 'precision') as Precision;
}
