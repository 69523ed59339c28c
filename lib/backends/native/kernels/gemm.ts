// The matrix product that MatMul, einsum and convolutions share.

import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../../../core/precision.ts';
import { PRECISION, type NativeBinding } from '../binding.ts';
import type { NativeBackend } from '../nativeBackend.ts';

type Rest =
  Parameters<NativeBinding['gemm']> extends [unknown, unknown, ...infer R, number] ? R : never;

/** The matrix product of two float32 tensors in a precision; all matrix products of our ops come through here. */
export function gemm(
  backend: NativeBackend,
  precision: Precision | undefined,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  ...rest: Rest
): void {
  const number = PRECISION[precision ?? 'fp32'];
  backend.binding.gemm(backend.floats(a), backend.floats(b), ...rest, number);
}
