// Gather and scatter with indices, bincount of rows, top k, one-hot.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { isFixed, isNumeric, replaceKernel } from './kernel.ts';

interface Indexed {
  indices: tf.TensorInfo;
}

/** Registers the kernels that read, write, sum and count where integers point, and the largest of rows. */
export function registerIndexing(): void {
  registerGatherNd();
  registerScatters();
  registerCounts();
  registerTopK();
  replaceKernel<Indexed, tf.OneHotAttrs>(tf.OneHot, ({ inputs: { indices }, attrs, backend }) => {
    const { dtype, depth, onValue, offValue } = attrs;
    const numbers = [onValue, offValue];
    const fits =
      dtype === 'float32' ||
      (dtype === 'int32' && numbers.every((value) => Object.is(value | 0, value))) ||
      (dtype === 'bool' && numbers.every((value) => value === 0 || value === 1));
    if (!fits || indices.dtype !== 'int32') return undefined;
    const { info, values } = backend.outputOf(dtype, [...indices.shape, depth]);
    const chosen = backend.elements(indices) as Int32Array;
    backend.binding.oneHot(depth, chosen, onValue, offValue, values);
    return info;
  });
}

function registerGatherNd(): void {
  replaceKernel<{ params: tf.TensorInfo } & Indexed, object>(
    tf.GatherNd,
    ({ inputs: { params, indices }, backend }) => {
      const rank = indices.shape.at(-1) ?? 0;
      if (!isFixed(params) || !isTuples(indices, rank)) return undefined;
      const [shape, count, slice] = tf.backend_util.prepareAndValidate(
        params as tf.Tensor,
        indices as tf.Tensor,
      );
      const sizes = params.shape.slice(0, rank);
      const { info, values } = backend.outputOf(params.dtype, shape);
      const chosen = backend.elements(indices) as Int32Array;
      const from = backend.elements(params);
      if (backend.binding.gatherNd(sizes, slice, count, from, chosen, values)) return info;
      return refused(backend, info);
    },
  );
}

interface ScatterPlan {
  sum: boolean;
  skip: boolean;
  clear: boolean;
}

function registerScatters(): void {
  replaceKernel<{ updates: tf.TensorInfo } & Indexed, tf.ScatterNdAttrs>(
    tf.ScatterNd,
    ({ inputs: { indices, updates }, attrs: { shape }, backend }) => {
      if (!isNumeric(updates)) return undefined;
      if (!writable(indices, updates, shape)) return undefined;
      const out = backend.outputOf(updates.dtype, shape);
      return scattered(backend, indices, updates, out, { sum: true, skip: false, clear: true });
    },
  );
  replaceKernel<{ tensor: tf.TensorInfo; updates: tf.TensorInfo } & Indexed, object>(
    tf.TensorScatterUpdate,
    ({ inputs: { tensor, indices, updates }, backend }) => {
      if (updates.dtype !== tensor.dtype || !writable(indices, updates, tensor.shape))
        return undefined;
      const out = backend.outputOf(tensor.dtype, tensor.shape);
      const size = out.values.length;
      if (size > 0) backend.binding.copy([size, 1, 1], backend.elements(tensor), 0, out.values, 0);
      return scattered(backend, indices, updates, out, { sum: false, skip: false, clear: false });
    },
  );
  replaceKernel<
    Record<'sparseIndices' | 'sparseValues' | 'defaultValue', tf.TensorInfo>,
    tf.SparseToDenseAttrs
  >(tf.SparseToDense, ({ inputs, attrs: { outputShape }, backend }) => {
    const { sparseIndices, sparseValues, defaultValue } = inputs;
    if (!writable(sparseIndices, sparseValues, outputShape) || !isFixed(defaultValue))
      return undefined;
    const out = backend.outputOf(sparseValues.dtype, outputShape);
    const [rest = 0] = backend.elements(defaultValue);
    out.values.fill(sparseValues.dtype === 'bool' ? Number(rest !== 0) : rest);
    const plan = { sum: false, skip: false, clear: false };
    return scattered(backend, sparseIndices, sparseValues, out, plan);
  });
  replaceKernel<Record<'x' | 'segmentIds', tf.TensorInfo>, tf.UnsortedSegmentSumAttrs>(
    tf.UnsortedSegmentSum,
    ({ inputs: { x, segmentIds }, attrs: { numSegments }, backend }) => {
      const [count] = x.shape;
      const rows = segmentIds.shape.length === 1 && segmentIds.shape[0] === count;
      if (!isFixed(x) || segmentIds.dtype !== 'int32' || !rows || numSegments === 0)
        return undefined;
      const out = backend.output([numSegments, ...x.shape.slice(1)]);
      const plan = { sum: true, skip: true, clear: true };
      if (x.dtype === 'float32') return scattered(backend, segmentIds, x, out, plan);
      // As in the inherited kernel, sums of integers are float32.
      const numbers = backend.output(x.shape);
      backend.binding.cast(backend.elements(x), numbers.values);
      const sums = scattered(backend, segmentIds, numbers.info, out, plan);
      backend.disposeIntermediateTensorInfo(numbers.info);
      return sums;
    },
  );
}

// Whether a scatter of these is one the addon does; the updates may be one number for all.
function writable(
  indices: tf.TensorInfo,
  updates: tf.TensorInfo,
  shape: readonly number[],
): boolean {
  const rank = rankOf(indices);
  if (!isFixed(updates) || !isTuples(indices, rank) || rank > shape.length) return false;
  const wanted = (sizeOf(indices.shape) / rank) * sizeOf(shape.slice(rank));
  return updates.shape.length === 0 || sizeOf(updates.shape) === wanted;
}

function rankOf({ shape }: tf.TensorInfo): number {
  return shape.length > 1 ? shape.at(-1)! : 1;
}

function isTuples(indices: tf.TensorInfo, rank: number): boolean {
  return indices.dtype === 'int32' && rank >= 1 && rank <= 8;
}

function scattered(
  backend: NativeBackend,
  indices: tf.TensorInfo,
  updates: tf.TensorInfo,
  { info, values }: ReturnType<NativeBackend['outputOf']>,
  { sum, skip, clear }: ScatterPlan,
): tf.TensorInfo | undefined {
  const rank = rankOf(indices);
  const chosen = backend.elements(indices) as Int32Array;
  const sizes = info.shape.slice(0, rank);
  const slice = sizeOf(info.shape.slice(rank));
  const from = backend.elements(updates);
  const count = chosen.length / rank;
  // Nothing is wrong where there is nothing to write to.
  const outside = skip || values.length === 0;
  if (backend.binding.scatter(sizes, slice, count, sum, outside, clear, chosen, from, values))
    return info;
  return refused(backend, info);
}

// The inherited kernel has the words for an index out of range.
function refused(backend: NativeBackend, info: tf.TensorInfo): undefined {
  backend.disposeIntermediateTensorInfo(info);
}

function registerCounts(): void {
  replaceKernel<Record<'x' | 'weights', tf.TensorInfo>, tf.DenseBincountAttrs>(
    tf.DenseBincount,
    ({ inputs: { x, weights }, attrs: { size, binaryOutput }, backend }) => {
      // For a single list the inherited kernel ignores binaryOutput.
      if (x.shape.length !== 2 || x.dtype !== 'int32') return undefined;
      if (!isNumeric(weights)) return undefined;
      const [rows, cols] = x.shape as [number, number];
      const length = sizeOf(weights.shape);
      if (length !== 0 && length !== rows * cols) return undefined;
      const { info, values } = backend.outputOf(weights.dtype, [rows, size]);
      const numbers = backend.elements(x) as Int32Array;
      const shares = length === 0 ? null : (backend.elements(weights) as Float32Array);
      const out = values as Float32Array;
      const binary = binaryOutput === true;
      if (backend.binding.bincount(rows, cols, size, binary, numbers, shares, out)) return info;
      return refused(backend, info);
    },
  );
}

function registerTopK(): void {
  replaceKernel<{ x: tf.TensorInfo }, tf.TopKAttrs>(
    tf.TopK,
    ({ inputs: { x }, attrs: { k }, backend }) => {
      const cols = x.shape.at(-1) ?? 0;
      if (!isNumeric(x) || k > cols) return undefined;
      const shape = [...x.shape.slice(0, -1), k];
      const rows = sizeOf(x.shape.slice(0, -1));
      const best = backend.outputOf(x.dtype, shape);
      const places = backend.intOutput(shape);
      const from = backend.elements(x) as Float32Array;
      const to = best.values as Float32Array;
      if (backend.binding.topK(rows, cols, k, from, to, places.values))
        return [best.info, places.info];
      backend.disposeIntermediateTensorInfo(places.info);
      return refused(backend, best.info);
    },
  );
}
