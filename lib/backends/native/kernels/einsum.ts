// Einsum as batched matrix products.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { BINARY } from '../generated/enums.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { makeWalk } from '../walk.ts';
import { gemm } from './gemm.ts';
import { areFloats, replaceKernel } from './kernel.ts';
import { transposed } from './layout.ts';
import { summed } from './reductions.ts';

// A tensor and the label of each of its axes; `own`: it is to be disposed of.
interface Labelled {
  info: tf.TensorInfo;
  labels: readonly number[];
  own: boolean;
}

/** Registers sums of products over labelled axes, each a batched matrix product. */
export function registerEinsum(): void {
  replaceKernel<tf.TensorInfo[], tf.EinsumAttrs>(tf.Einsum, ({ inputs, attrs, backend }) => {
    const tensors = [...inputs];
    const { equation } = attrs;
    const plan = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
    const { allDims, summedDims, idDims } = plan;
    tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as tf.Tensor[]);
    const output = allDims.slice(0, allDims.length - summedDims.length).map((_, label) => label);
    const written = equation.replace(/\s/g, '').split('->')[1]!;
    const few = allDims.length <= 8 && written.length === output.length;
    const full = tensors.every((tensor) => sizeOf(tensor.shape) > 0);
    if (!few || !full || !areFloats(...tensors)) return undefined;
    const terms = tensors.map((info, i) => {
      const others = idDims.filter((_, j) => j !== i).flat();
      const term = { info, labels: idDims[i]!, own: false };
      return withoutSums(backend, term, [...output, ...others]);
    });
    const [a, b] = terms as [Labelled, Labelled | undefined];
    const joined = b === undefined ? a : multiplied(backend, a, b, output);
    const result = inOrder(backend, joined, output);
    return result.own ? result.info : backend.reshaped(result.info, result.info.shape);
  });
}

// Sums over the labels that are not wanted.
function withoutSums(backend: NativeBackend, x: Labelled, wanted: readonly number[]): Labelled {
  const axes = x.labels.flatMap((label, axis) => (wanted.includes(label) ? [] : [axis]));
  if (axes.length === 0) return x;
  const labels = x.labels.filter((label) => wanted.includes(label));
  return { info: summed(backend, x.info, axes), labels, own: true };
}

// With its axes in the order of the labels.
function inOrder(backend: NativeBackend, x: Labelled, labels: readonly number[]): Labelled {
  if (labels.every((label, axis) => label === x.labels[axis])) return x;
  const perm = labels.map((label) => x.labels.indexOf(label));
  const info = transposed(backend, x.info, perm);
  release(backend, x);
  return { info, labels, own: true };
}

function release(backend: NativeBackend, x: Labelled): void {
  if (x.own) backend.disposeIntermediateTensorInfo(x.info);
}

function multiplied(
  backend: NativeBackend,
  a: Labelled,
  b: Labelled,
  output: readonly number[],
): Labelled {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batched = shared.filter((label) => output.includes(label));
  const inner = shared.filter((label) => !output.includes(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const cols = b.labels.filter((label) => !shared.includes(label));
  const size = (labels: readonly number[], x: Labelled): number =>
    sizeOf(labels.map((label) => x.info.shape[x.labels.indexOf(label)]!));
  const [batch, m, k, n] = [size(batched, a), size(rows, a), size(inner, a), size(cols, b)];
  const left = asMatrices(
    backend,
    a,
    [...batched, ...rows, ...inner],
    [...batched, ...inner, ...rows],
  );
  const right = asMatrices(
    backend,
    b,
    [...batched, ...inner, ...cols],
    [...batched, ...cols, ...inner],
  );
  const labels = [...batched, ...rows, ...cols];
  const shape = labels.map((label) =>
    a.labels.includes(label) ? size([label], a) : size([label], b),
  );
  const { info, values } = backend.output(shape);
  if (inner.length === 0) {
    const aStrides = [m, 1, 0];
    const bStrides = [n, 0, 1];
    const loops = [batch, m, n].map((count, i) => [count, aStrides[i]!, bStrides[i]!] as const);
    const [x, y] = [backend.floats(left.x.info), backend.floats(right.x.info)];
    backend.binding.binary(BINARY.mul, makeWalk(loops)!, x, y, values);
  } else {
    gemm(backend, undefined, left.x.info, right.x.info, values, {
      batch,
      m,
      n,
      k,
      aBatched: true,
      bBatched: true,
      transposeA: left.transpose,
      transposeB: right.transpose,
    });
  }
  release(backend, left.x);
  release(backend, right.x);
  return { info, labels, own: true };
}

// A stack of matrices: in place where its axes lie in one of the two orders, else a copy. `transpose`: it lies in the second one.
function asMatrices(
  backend: NativeBackend,
  x: Labelled,
  straight: readonly number[],
  swapped: readonly number[],
): { x: Labelled; transpose: boolean } {
  const asItIs = (labels: readonly number[]): boolean =>
    labels.every((label, axis) => label === x.labels[axis]);
  if (!asItIs(straight) && asItIs(swapped)) return { x, transpose: true };
  return { x: inOrder(backend, x, straight), transpose: false };
}
