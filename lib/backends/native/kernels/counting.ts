// Bincount of a list, search in sorted rows, diag.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { Numbers } from '../elements.ts';
import { isNumeric, replaceKernel, type NativeCall } from './kernel.ts';

/** Registers the counts of a list of integers, the search in sorted rows, and the matrix with a diagonal. */
export function registerCounting(): void {
  replaceKernel<CountInputs, tf.BincountAttrs>(tf.Bincount, counted);
  // The kernel for rows (indexing.ts) is registered already and runs where this one does not serve.
  replaceKernel<CountInputs, tf.DenseBincountAttrs>(tf.DenseBincount, (call) =>
    call.inputs.x.shape.length === 1 ? counted(call) : undefined,
  );
  replaceKernel<Record<'sortedSequence' | 'values', tf.TensorInfo>, tf.SearchSortedAttrs>(
    tf.SearchSorted,
    ({ inputs: { sortedSequence, values }, attrs: { side }, backend }) => {
      if (!isNumeric(values) || sortedSequence.dtype !== values.dtype) return undefined;
      const [rows, length] = sortedSequence.shape as [number, number];
      const [others, count] = values.shape as [number, number];
      if (rows !== others || length >= 2 ** 31) return undefined;
      const out = backend.intOutput(values.shape);
      const sorted = backend.elements(sortedSequence) as Numbers;
      const wanted = backend.elements(values) as Numbers;
      const right = side === 'right';
      backend.binding.searchSorted(rows, length, count, right, sorted, wanted, out.values);
      return out.info;
    },
  );
  replaceKernel<{ x: tf.TensorInfo }, object>(tf.Diag, ({ inputs: { x }, backend }) => {
    if (!isNumeric(x)) return undefined;
    const size = sizeOf(x.shape);
    const { info, values } = backend.outputOf(x.dtype, [...x.shape, ...x.shape]);
    backend.binding.fill(0, values);
    const diagonal = [size, 1, size + 1];
    if (size > 0) backend.binding.copy(diagonal, backend.elements(x), 0, values, 0);
    return info;
  });
}

interface CountInputs {
  x: tf.TensorInfo;
  weights: tf.TensorInfo;
}

function counted({
  inputs: { x, weights },
  attrs: { size },
  backend,
}: NativeCall<CountInputs, tf.BincountAttrs>): tf.TensorInfo | undefined {
  const given = sizeOf(weights.shape);
  const fits = given === 0 || given === sizeOf(x.shape);
  if (x.dtype !== 'int32' || !isNumeric(weights) || !fits) return undefined;
  const { info, values } = backend.outputOf(weights.dtype, [size]);
  const list = backend.elements(x) as Int32Array;
  const shares = given === 0 ? null : (backend.elements(weights) as Numbers);
  if (backend.binding.countList(size, list, shares, values as Numbers)) return info;
  // The inherited kernel has the words for a negative number.
  backend.disposeIntermediateTensorInfo(info);
  return undefined;
}
