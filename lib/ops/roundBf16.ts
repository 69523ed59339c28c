// Rounding to bfloat16.

import * as tf from '@tensorflow/tfjs';
import * as kernels from '../core/kernels.ts';
import type { RoundBf16Inputs } from '../core/kernels.ts';
import type { Precision } from '../core/precision.ts';
import { defineKernel } from './kernel.ts';

// Veltkamp's splitting leaves 24 − 16 = 8 bits of the significand.
const splitter = 2 ** 16 + 1;
const veryLarge = 2 ** 110;
const down = 2 ** -32;
const leastNormal = 2 ** -126;
// Adding and subtracting it leaves multiples of 2⁻¹³³, the distance between bfloat16's subnormal numbers.
const subnormalShift = 1.5 * 2 ** -110;

/**
 * The nearest bfloat16 of each element, ties to even, as float32; any shape.
 *
 * It is exact for every float32, except that the sign of a zero may be lost. Numbers beyond the largest bfloat16 (3.39e38) become
 * infinite; subnormal numbers, infinities and NaN stay. The gradient passes straight through: dX = dOut.
 *
 * Source: Dekker 1971, section 5 (Veltkamp's splitting); that it breaks ties to even for 8 of 24 bits was checked for every significand.
 */
export function roundBf16<T extends tf.Tensor>(x: T): T {
  return roundBf16Kernel({ x }, {})[0] as T;
}

/** An operand of a matrix product, rounded to its precision: the operand itself in fp32. */
export function roundOperand<T extends tf.Tensor>(precision: Precision | undefined, x: T): T {
  return precision === 'bf16' ? roundBf16(x) : x;
}

// `RoundBf16` in plain tfjs ops: tfjs has no view of a number's bits.
function referenceRoundBf16({ x }: RoundBf16Inputs): tf.Tensor[] {
  const size = tf.abs(x);
  const large = tf.greater(size, veryLarge); // times the splitter it would overflow
  const near = tf.where(large, tf.mul(x, down), x);
  const high = tf.mul(near, splitter);
  const rounded = tf.sub(high, tf.sub(high, near));
  const small = tf.sub(tf.add(x, subnormalShift), subnormalShift);
  const finite = tf.where(
    large,
    tf.mul(rounded, 1 / down),
    tf.where(tf.less(size, leastNormal), small, rounded),
  );
  return [tf.where(tf.less(size, Infinity), finite, x)];
}

const roundBf16Kernel = defineKernel(kernels.RoundBf16, {
  reference: referenceRoundBf16,
  gradient: {
    saveInputs: [],
    saveOutputs: [false],
    of: ([dOut]) => ({ x: () => tf.clone(dOut!) }),
  },
});
