// BatchMatMul and its fused form.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { UnsupportedError, expected } from '../../../core/errors.ts';
import * as kernels from '../../../core/kernels.ts';
import type { Precision } from '../../../core/precision.ts';
import { broadcastStrides, makeWalk, stridesOf } from '../walk.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { activated } from './activation.ts';
import { gemm } from './gemm.ts';
import { areFloats, replaceKernel, type NativeCall } from './kernel.ts';

interface MatMulInputs {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}
interface FusedInputs extends MatMulInputs {
  bias?: tf.TensorInfo;
  preluActivationWeights?: tf.TensorInfo;
}
interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
  precision?: Precision | undefined;
}

/** Registers BatchMatMul, the fused form with a bias and an activation, and our matrix product with a choice of precision. */
export function registerMatMul(): void {
  replaceKernel<MatMulInputs, MatMulAttrs>(tf.BatchMatMul, matMul);
  replaceKernel<MatMulInputs, MatMulAttrs>(kernels.MatMul, matMul);
  replaceKernel<FusedInputs, tf._FusedMatMulAttrs>(tf._FusedMatMul, fusedMatMul);
}

function matMul({
  inputs: { a, b },
  attrs: { transposeA, transposeB, precision },
  backend,
}: NativeCall<MatMulInputs, MatMulAttrs>): tf.TensorInfo | undefined {
  if (!areFloats(a, b)) return undefined;
  const [aRows, aCols] = a.shape.slice(-2) as [number, number];
  const [bRows, bCols] = b.shape.slice(-2) as [number, number];
  const m = transposeA ? aCols : aRows;
  const k = transposeA ? aRows : aCols;
  const n = transposeB ? bRows : bCols;
  if (k !== (transposeB ? bCols : bRows)) return undefined;
  const aOuter = a.shape.slice(0, -2);
  const bOuter = b.shape.slice(0, -2);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(aOuter, bOuter);
  const batch = sizeOf(outer);
  const left = repeated(backend, a, aOuter, outer);
  const right = repeated(backend, b, bOuter, outer);
  const { info, values } = backend.output([...outer, m, n]);
  // One right operand for all: the batch is more rows of the left one.
  const joined = !right.batched && left.batched && !transposeA;
  gemm(backend, precision, left.info, right.info, values, {
    batch: joined ? 1 : batch,
    m: joined ? batch * m : m,
    n,
    k,
    aBatched: left.batched && !joined,
    bBatched: right.batched,
    transposeA,
    transposeB,
  });
  for (const side of [left, right]) if (side.own) backend.disposeIntermediateTensorInfo(side.info);
  return info;
}

interface Side {
  info: tf.TensorInfo;
  batched: boolean;
  own: boolean;
}

// A stack of matrices is used as it is if there is one for each of the batch, or one for all; else it is written out.
function repeated(backend: NativeBackend, x: tf.TensorInfo, own: number[], outer: number[]): Side {
  const batch = sizeOf(outer);
  const count = sizeOf(own);
  if (count === batch) return { info: x, batched: true, own: false };
  if (count === 1) return { info: x, batched: false, own: false };
  const matrix = x.shape.slice(-2);
  const size = sizeOf(matrix);
  const target = stridesOf(outer);
  const loops = broadcastStrides(own, outer).map(
    (stride, axis) => [outer[axis]!, stride * size, target[axis]! * size] as const,
  );
  const walk = makeWalk([...loops, [size, 1, 1]]);
  if (walk === undefined)
    throw new UnsupportedError(expected('at most 7 batch axes that repeat', 'matMul', outer));
  const { info, values } = backend.output([...outer, ...matrix]);
  backend.binding.copy(walk, backend.floats(x), 0, values, 0);
  return { info, batched: true, own: true };
}

function fusedMatMul({
  inputs: { a, b, bias, preluActivationWeights },
  attrs: { transposeA, transposeB, activation, leakyreluAlpha },
  backend,
}: NativeCall<FusedInputs, tf._FusedMatMulAttrs>): tf.TensorInfo | undefined {
  const matrix = matMul({ inputs: { a, b }, attrs: { transposeA, transposeB }, backend });
  if (matrix === undefined) return undefined;
  let sums = matrix;
  if (bias != null) {
    const { kernelFunc } = tf.getKernel(tf.Add, 'native');
    sums = kernelFunc({ inputs: { a: matrix, b: bias }, attrs: {}, backend }) as tf.TensorInfo;
    backend.disposeIntermediateTensorInfo(matrix);
  }
  return activated(backend, sums, activation, preluActivationWeights, leakyreluAlpha);
}
