// A product of this library in a precision, and the check that the precision has an effect.

import * as tf from '@tensorflow/tfjs';
import { UnsupportedError } from '../lib/node.ts';
import type { Precision } from '../lib/node.ts';

/** a · b in a precision. @throws Error if the backend in use has no kernel for it */
export function productIn(precision: Precision, a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor {
  if (precision === 'fp32') return tf.matMul(a, b);
  const attributes = { transposeA: false, transposeB: false, precision };
  return tf.engine().runKernel('VitMatMul', { a, b }, attributes);
}

/**
 * Checks that results in a precision differ from those of fp32 in at least one bit; else they would be fp32 under another name.
 *
 * @throws UnsupportedError if they do not differ
 */
export function assertRounded(
  precision: Precision,
  results: ArrayLike<number>,
  inFp32: ArrayLike<number>,
): void {
  if (precision === 'fp32') return;
  for (let i = 0; i < inFp32.length; i++) if (results[i] !== inFp32[i]) return;
  throw new UnsupportedError(
    `Expected results in ${precision} to differ from those in fp32, received the same ones. This build computes in fp32 only.`,
  );
}
