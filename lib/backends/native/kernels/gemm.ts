import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../../../core/precision.ts';
import { UNARY, type NativeBinding } from '../binding.ts';
import type { NativeBackend } from '../nativeBackend.ts';

type Rest = Parameters<NativeBinding['gemm']> extends [unknown, unknown, ...infer R] ? R : never;

/**
 * The product of two float32 tensors in a precision; the products of our ops all come through here.
 *
 * The addon's product is in fp32; for bf16 both operands are rounded into buffers of their own first.
 */
export function gemm(
  backend: NativeBackend,
  precision: Precision | undefined,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  ...rest: Rest
): void {
  if (precision !== 'bf16') {
    backend.binding.gemm(backend.floats(a), backend.floats(b), ...rest);
    return;
  }
  const operands = [rounded(backend, a), rounded(backend, b)] as const;
  backend.binding.gemm(operands[0].values, operands[1].values, ...rest);
  for (const { info } of operands) backend.disposeIntermediateTensorInfo(info);
}

function rounded(
  backend: NativeBackend,
  x: tf.TensorInfo,
): { info: tf.TensorInfo; values: Float32Array } {
  const out = backend.output(x.shape);
  backend.binding.unary(UNARY.roundBf16, backend.floats(x), out.values, 0);
  return out;
}
