// The matrix product in fp32 or bf16.

import * as tf from '@tensorflow/tfjs';
import * as kernels from '../core/kernels.ts';
import type { MatMulAttrs, MatMulInputs } from '../core/kernels.ts';
import type { Precision } from '../core/precision.ts';
import { defineKernel, type KernelRunner } from './kernel.ts';
import { roundBf16 } from './roundBf16.ts';

/**
 * The matrix product a·b of each pair of matrices in a precision, with either operand transposed.
 *
 * In fp32 it is `tf.matMul`. In bf16 both operands are rounded and the products are summed in float32. The two products of the
 * gradient are rounded the same way: dA = bf16(dOut)·bf16(b)ᵀ, dB = bf16(a)ᵀ·bf16(dOut).
 *
 * @param a  [..., M, K], or [..., K, M] with transposeA
 * @param b  [..., K, N], or [..., N, K] with transposeB; its leading axes are those of a
 * @returns [..., M, N]
 */
export function matMul<T extends tf.Tensor>(
  a: T,
  b: T,
  {
    transposeA = false,
    transposeB = false,
    precision = 'fp32',
  }: { transposeA?: boolean; transposeB?: boolean; precision?: Precision | undefined } = {},
): T {
  if (precision === 'fp32') return tf.matMul(a, b, transposeA, transposeB);
  return matMulKernel({ a, b }, { transposeA, transposeB, precision })[0] as T;
}

// `MatMul` in plain tfjs ops. It only runs in bf16.
function referenceMatMul(
  { a, b }: MatMulInputs,
  { transposeA, transposeB }: MatMulAttrs,
): tf.Tensor[] {
  return [tf.matMul(roundBf16(a), roundBf16(b), transposeA, transposeB)];
}

const matMulKernel: KernelRunner<'VitMatMul'> = defineKernel(kernels.MatMul, {
  reference: referenceMatMul,
  gradient: {
    saveInputs: ['a', 'b'],
    saveOutputs: [false],
    of: ([dOut], [a, b], { transposeA, transposeB, precision }) => ({
      a: () =>
        transposeA
          ? matMul(b!, dOut!, { transposeA: transposeB, transposeB: true, precision })
          : matMul(dOut!, b!, { transposeB: !transposeB, precision }),
      b: () =>
        transposeB
          ? matMul(dOut!, a!, { transposeA: true, transposeB: transposeA, precision })
          : matMul(a!, dOut!, { transposeA: !transposeA, precision }),
    }),
  },
});
