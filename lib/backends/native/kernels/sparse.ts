// Kernels of sparse tensors.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { Numbers } from '../elements.ts';
import { isFixed, isNumeric, replaceKernel } from './kernel.ts';

type Inputs<Name extends string> = Record<Name, tf.TensorInfo>;

/** Registers the kernels of sparse tensors; wrong arguments are left to the inherited kernels, which report them. */
export function registerSparse(): void {
  for (const kernelName of [tf.SparseSegmentSum, tf.SparseSegmentMean])
    registerSegments(kernelName);
  registerFill();
  replaceKernel<Inputs<'inputIndices' | 'inputShape' | 'newShape'>, object>(
    tf.SparseReshape,
    ({ inputs: { inputIndices, inputShape, newShape }, backend }) => {
      if (![inputIndices, inputShape, newShape].every(({ dtype }) => dtype === 'int32'))
        return undefined;
      const from = Array.from(backend.elements(inputShape));
      const to = shapeFor(Array.from(backend.elements(newShape)), sizeOf(from));
      const [count, rank] = inputIndices.shape;
      const flat = inputShape.shape.length === 1 && newShape.shape.length === 1;
      if (to === undefined || !flat || inputIndices.shape.length !== 2 || rank !== from.length)
        return undefined;
      if (from.length > 8 || from.some((size) => size < 1)) return undefined;
      const places = backend.intOutput([count!, to.length]);
      const indices = backend.elements(inputIndices) as Int32Array;
      if (backend.binding.reshapeIndices(count!, from, to, indices, places.values)) {
        const shape = backend.intOutput([to.length]);
        shape.values.set(to);
        return [places.info, shape.info];
      }
      backend.disposeIntermediateTensorInfo(places.info);
      return undefined;
    },
  );
}

// The shape of `size` elements, with what one -1 stands for; undefined where it is none of 1 to 8 axes.
function shapeFor(wanted: readonly number[], size: number): number[] | undefined {
  const known = wanted.filter((each) => each !== -1);
  const open = wanted.length - known.length;
  const rest = size / sizeOf(known);
  const whole = open === 1 ? Number.isInteger(rest) : rest === 1;
  if (!whole || open > 1 || known.some((each) => each < 1)) return undefined;
  if (wanted.length === 0 || wanted.length > 8 || size > 2 ** 53 || rest >= 2 ** 31)
    return undefined;
  return wanted.map((each) => (each === -1 ? rest : each));
}

function registerSegments(kernelName: string): void {
  replaceKernel<Inputs<'data' | 'indices' | 'segmentIds'>, object>(
    kernelName,
    ({ inputs: { data, indices, segmentIds }, backend }) => {
      const [rows] = data.shape;
      const [count] = indices.shape;
      const lists = [indices, segmentIds].every(
        ({ dtype, shape }) => dtype === 'int32' && shape.length === 1 && shape[0] === count,
      );
      if (!isNumeric(data) || !rows || !lists) return undefined;
      const ids = backend.elements(segmentIds) as Int32Array;
      const segments = Math.max(0, (ids.at(-1) ?? -1) + 1);
      const rest = data.shape.slice(1);
      const { info, values } = backend.outputOf(data.dtype, [segments, ...rest]);
      const done = backend.binding.reduceSegments(
        rows,
        sizeOf(rest),
        ids.length,
        segments,
        kernelName === tf.SparseSegmentMean,
        backend.elements(data) as Numbers,
        backend.elements(indices) as Int32Array,
        ids,
        values as Numbers,
      );
      if (done) return info;
      backend.disposeIntermediateTensorInfo(info);
      // The inherited kernel throws the messages that TensorFlow.js's specs ask for.
      return undefined;
    },
  );
}

function registerFill(): void {
  replaceKernel<Inputs<'indices' | 'values' | 'denseShape' | 'defaultValue'>, object>(
    tf.SparseFillEmptyRows,
    ({ inputs: { indices, values, denseShape, defaultValue }, backend }) => {
      const [count = 0, rank = 0] = indices.shape;
      const wholes = indices.dtype === 'int32' && denseShape.dtype === 'int32';
      const ranks = [indices, values, denseShape, defaultValue].map(({ shape }) => shape.length);
      if (!wholes || !isFixed(values) || defaultValue.dtype !== values.dtype) return undefined;
      if (ranks.join() !== '2,1,1,0' || rank === 0 || values.shape[0] !== count) return undefined;
      const rows = backend.elements(denseShape)[0] ?? 0;
      if (rows < 1 || count + rows >= 2 ** 31) return undefined;
      const from = backend.elements(indices) as Int32Array;
      const next = backend.intOutput([rows]);
      const empty = backend.boolOutput([rows]);
      const total = backend.binding.countRows(count, rank, rows, from, next.values, empty.values);
      const results = [empty.info];
      if (total >= 0) {
        const places = backend.intOutput([total, rank]);
        const filled = backend.outputOf(values.dtype, [total]);
        const reverse = backend.intOutput([count]);
        backend.binding.fillRows(
          rank,
          from,
          backend.elements(values),
          backend.elements(defaultValue),
          next.values,
          empty.values,
          places.values,
          filled.values,
          reverse.values,
        );
        results.splice(0, 0, places.info, filled.info);
        results.push(reverse.info);
      } else backend.disposeIntermediateTensorInfo(empty.info);
      backend.disposeIntermediateTensorInfo(next.info);
      return total >= 0 ? results : undefined;
    },
  );
}
