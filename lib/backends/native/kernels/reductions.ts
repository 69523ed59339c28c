import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { REDUCE } from '../binding.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { areFloats, replaceKernel } from './kernel.ts';
import { transposed } from './layout.ts';

interface One {
  x: tf.TensorInfo;
}
interface ReductionAttrs {
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

/** Registers sums, means, maxima and minima over any axes, in float32. */
export function registerReductions(): void {
  const table = [
    [tf.Sum, REDUCE.sum],
    [tf.Mean, REDUCE.mean],
    [tf.Max, REDUCE.max],
    [tf.Min, REDUCE.min],
  ] as const;
  for (const [kernelName, op] of table) {
    replaceKernel<One, ReductionAttrs>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      if (!areFloats(x) || sizeOf(x.shape) === 0) return undefined;
      // tfjs calls the axes of a maximum reductionIndices.
      const wanted = attrs.axis ?? attrs.reductionIndices ?? null;
      const axes = tf.util.parseAxisParam(wanted as number | number[], x.shape);
      return reduceAxes(backend, op, x, axes, attrs.keepDims === true);
    });
  }
}

function reduceAxes(
  backend: NativeBackend,
  op: number,
  x: tf.TensorInfo,
  axes: number[],
  keepDims: boolean,
): tf.TensorInfo {
  const reduced = x.shape.map((size, axis) => size === 1 || axes.includes(axis));
  const shape = x.shape.flatMap((size, axis) =>
    axes.includes(axis) ? (keepDims ? [1] : []) : [size],
  );
  const { first, last } = span(x.shape, axes);
  const neighbours = reduced.slice(first, last + 1).every((yes) => yes);
  if (!neighbours) {
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const moved = transposed(backend, x, [...kept, ...axes]);
    const inner = axes.map((_, i) => kept.length + i);
    const sums = reduceAxes(backend, op, moved, inner, false);
    backend.disposeIntermediateTensorInfo(moved);
    return { ...sums, shape };
  }
  const { info, values } = backend.output(shape);
  const outer = sizeOf(x.shape.slice(0, first));
  const n = sizeOf(x.shape.slice(first, last + 1));
  const inner = sizeOf(x.shape.slice(last + 1));
  backend.binding.reduce(op, outer, n, inner, backend.floats(x), values);
  return info;
}

// The first and last axis to reduce that are longer than 1; an empty span where there is none.
function span(shape: readonly number[], axes: readonly number[]): { first: number; last: number } {
  const long = axes.filter((axis) => shape[axis] !== 1);
  if (long.length === 0) return { first: 0, last: -1 };
  return { first: Math.min(...long), last: Math.max(...long) };
}
