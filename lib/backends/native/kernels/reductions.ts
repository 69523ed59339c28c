// Reductions along axes.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { INT_REDUCE } from '../generated/enums.ts';
import { REDUCE } from '../generated/enums.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import type { Numbers } from '../elements.ts';
import { areFloats, isFixed, replaceKernel } from './kernel.ts';
import { transposed } from './layout.ts';

interface One {
  x: tf.TensorInfo;
}
interface ReductionAttrs {
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

/** Reduces the middle axis of [outer, n, inner] into a new tensor of a shape. */
type Reduction = (
  backend: NativeBackend,
  x: tf.TensorInfo,
  shape: number[],
  outer: number,
  n: number,
  inner: number,
) => tf.TensorInfo;

/** Registers sums, means, maxima, minima, products, All and Any, over any axes. */
export function registerReductions(): void {
  const table = [
    [tf.Sum, floats(REDUCE.sum), ints(INT_REDUCE.sum)],
    [tf.Mean, floats(REDUCE.mean), undefined],
    [tf.Max, floats(REDUCE.max), ints(INT_REDUCE.max)],
    [tf.Min, floats(REDUCE.min), ints(INT_REDUCE.min)],
    [tf.Prod, prod, ints(INT_REDUCE.prod)],
  ] as const;
  for (const [kernelName, ofFloats, ofInts] of table) {
    replaceKernel<One, ReductionAttrs>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      if (sizeOf(x.shape) === 0) return undefined;
      if (areFloats(x)) return reduced(backend, ofFloats, x, attrs);
      const whole = x.dtype === 'int32';
      if (whole && ofInts !== undefined) return reduced(backend, ofInts, x, attrs);
      if (x.dtype !== 'bool') return undefined;
      const numbers = ofInts === undefined ? backend.output(x.shape) : backend.intOutput(x.shape);
      backend.binding.cast(backend.elements(x), numbers.values);
      const out = reduced(backend, ofInts ?? ofFloats, numbers.info, attrs);
      backend.disposeIntermediateTensorInfo(numbers.info);
      // Max and min of bool are bool; every other reduction of it gives numbers.
      if (kernelName !== tf.Max && kernelName !== tf.Min) return out;
      const extremes = backend.boolOutput(out.shape);
      extremes.values.set(backend.elements(out));
      backend.disposeIntermediateTensorInfo(out);
      return extremes.info;
    });
  }
  for (const kernelName of [tf.All, tf.Any]) {
    replaceKernel<One, ReductionAttrs>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      if (x.dtype !== 'bool' || sizeOf(x.shape) === 0) return undefined;
      return reduced(backend, bools(kernelName === tf.All), x, attrs);
    });
  }
  for (const kernelName of [tf.ArgMax, tf.ArgMin]) {
    const place = arg(kernelName === tf.ArgMax);
    replaceKernel<One, tf.ArgMaxAttrs>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      const axes = tf.util.parseAxisParam(attrs.axis, x.shape);
      if (!isFixed(x) || sizeOf(x.shape) === 0 || axes.length !== 1) return undefined;
      if (x.dtype !== 'bool') return reduceAxes(backend, place, x, axes, false);
      const numbers = backend.intOutput(x.shape);
      backend.binding.cast(backend.elements(x), numbers.values);
      const out = reduceAxes(backend, place, numbers.info, axes, false);
      backend.disposeIntermediateTensorInfo(numbers.info);
      return out;
    });
  }
}

function floats(op: number): Reduction {
  return (backend, x, shape, outer, n, inner) => {
    const { info, values } = backend.output(shape);
    backend.binding.reduce(op, outer, n, inner, backend.floats(x), values);
    return info;
  };
}

const prod: Reduction = (backend, x, shape, outer, n, inner) => {
  const { info, values } = backend.output(shape);
  backend.binding.prod(outer, n, inner, backend.floats(x), values);
  return info;
};

function ints(op: number): Reduction {
  return (backend, x, shape, outer, n, inner) => {
    const { info, values } = backend.intOutput(shape);
    backend.binding.reduceInts(op, outer, n, inner, backend.elements(x) as Int32Array, values);
    return info;
  };
}

function bools(all: boolean): Reduction {
  return (backend, x, shape, outer, n, inner) => {
    const { info, values } = backend.boolOutput(shape);
    backend.binding.reduceBools(all, outer, n, inner, backend.elements(x) as Uint8Array, values);
    return info;
  };
}

function arg(max: boolean): Reduction {
  return (backend, x, shape, outer, n, inner) => {
    const { info, values } = backend.intOutput(shape);
    const from = backend.elements(x) as Numbers;
    backend.binding.argExtreme(max, outer, n, inner, from, values);
    return info;
  };
}

function reduced(
  backend: NativeBackend,
  reduction: Reduction,
  x: tf.TensorInfo,
  attrs: ReductionAttrs,
): tf.TensorInfo {
  // tfjs calls the axes of a maximum reductionIndices.
  const wanted = attrs.axis ?? attrs.reductionIndices ?? null;
  const axes = tf.util.parseAxisParam(wanted as number | number[], x.shape);
  return reduceAxes(backend, reduction, x, axes, attrs.keepDims === true);
}

function reduceAxes(
  backend: NativeBackend,
  reduction: Reduction,
  x: tf.TensorInfo,
  axes: number[],
  keepDims: boolean,
): tf.TensorInfo {
  const gone = x.shape.map((size, axis) => size === 1 || axes.includes(axis));
  const shape = x.shape.flatMap((size, axis) =>
    axes.includes(axis) ? (keepDims ? [1] : []) : [size],
  );
  const { first, last } = span(x.shape, axes);
  const neighbours = gone.slice(first, last + 1).every((yes) => yes);
  if (!neighbours) {
    const remaining = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const moved = transposed(backend, x, [...remaining, ...axes]);
    const inner = axes.map((_, i) => remaining.length + i);
    const sums = reduceAxes(backend, reduction, moved, inner, false);
    backend.disposeIntermediateTensorInfo(moved);
    return { ...sums, shape };
  }
  const outer = sizeOf(x.shape.slice(0, first));
  const n = sizeOf(x.shape.slice(first, last + 1));
  const inner = sizeOf(x.shape.slice(last + 1));
  return reduction(backend, x, shape, outer, n, inner);
}

/** Sums of a float32 tensor that is not empty, over some axes. */
export function summed(backend: NativeBackend, x: tf.TensorInfo, axes: number[]): tf.TensorInfo {
  return reduceAxes(backend, floats(REDUCE.sum), x, axes, false);
}

// The first and last axis to reduce that are longer than 1; an empty span where there is none.
function span(shape: readonly number[], axes: readonly number[]): { first: number; last: number } {
  const long = axes.filter((axis) => shape[axis] !== 1);
  if (long.length === 0) return { first: 0, last: -1 };
  return { first: Math.min(...long), last: Math.max(...long) };
}
