// The matrix product that MatMul, einsum and the dense layer share.

import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../../../core/precision.ts';
import { gemmDescriptor } from '../generated/descriptors.ts';
import type { GemmDescriptor } from '../generated/descriptors.ts';
import { ACTIVATION, PRECISION } from '../generated/enums.ts';
import type { NativeBackend } from '../nativeBackend.ts';

/** The shape of a matrix product; by default its batch is 1, nothing is transposed and no activation follows. */
export type GemmShape = Pick<GemmDescriptor, 'm' | 'n' | 'k'> &
  Partial<Omit<GemmDescriptor, 'precision'>>;

/** c = a·b (+ bias) of two float32 tensors in a precision; all matrix products of our ops come through here. */
export function gemm(
  backend: NativeBackend,
  precision: Precision | undefined,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  c: Float32Array,
  shape: GemmShape,
  bias: Float32Array | null = null,
): void {
  gemmArrays(backend, precision, backend.floats(a), backend.floats(b), c, shape, bias);
}

/** The same for the values of tensors. */
export function gemmArrays(
  backend: NativeBackend,
  precision: Precision | undefined,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  {
    batch = 1,
    m,
    n,
    k,
    aBatched = false,
    bBatched = false,
    transposeA = false,
    transposeB = false,
    activation = ACTIVATION.none,
  }: GemmShape,
  bias: Float32Array | null = null,
): void {
  const descriptor = gemmDescriptor({
    batch,
    m,
    n,
    k,
    aBatched,
    bBatched,
    transposeA,
    transposeB,
    activation,
    precision: PRECISION[precision ?? 'fp32'],
  });
  backend.binding.gemm(descriptor, a, b, c, bias);
}
