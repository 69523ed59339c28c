// Kernels that only move elements.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { UnsupportedError, expected } from '../../../core/errors.ts';
import type { Walk } from '../binding.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { makeWalk, stridesOf, type Loop } from '../walk.ts';
import { isFixed, replaceKernel } from './kernel.ts';

interface One {
  x: tf.TensorInfo;
}

/** Registers the kernels that only move elements: transpose, slice, split, concat, pack, unpack, pad, tile, fill. */
export function registerLayout(): void {
  replaceKernel<One, tf.TransposeAttrs>(tf.Transpose, ({ inputs: { x }, attrs, backend }) =>
    movable(x) ? transposed(backend, x, attrs.perm) : undefined,
  );
  replaceKernel<One, tf.SliceAttrs>(tf.Slice, ({ inputs: { x }, attrs, backend }) => {
    if (!movable(x)) return undefined;
    const [begin, size] = tf.slice_util.parseSliceParams(x as tf.Tensor, attrs.begin, attrs.size);
    tf.slice_util.assertParamsValid(x as tf.Tensor, begin!, size!);
    return sliced(backend, x, begin!, size!);
  });
  replaceKernel<One, tf.SplitVAttrs>(tf.SplitV, ({ inputs: { x }, attrs, backend }) => {
    if (!movable(x)) return undefined;
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, attrs.numOrSizeSplits, axis);
    const begin = new Array<number>(x.shape.length).fill(0);
    return sizes.map((length) => {
      const size = x.shape.map((full, i) => (i === axis ? length : full));
      const part = sliced(backend, x, begin, size);
      begin[axis]! += length;
      return part;
    });
  });
  replaceKernel<{ value: tf.TensorInfo }, tf.UnpackAttrs>(tf.Unpack, (call) => {
    const { attrs, backend } = call;
    const x = call.inputs.value;
    if (!movable(x) || x.shape.length === 0) return undefined;
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const shape = x.shape.filter((_, i) => i !== axis);
    const size = x.shape.map((full, i) => (i === axis ? 1 : full));
    return Array.from({ length: x.shape[axis]! }, (_, at) => {
      const begin = x.shape.map((_, i) => (i === axis ? at : 0));
      return { ...sliced(backend, x, begin, size), shape };
    });
  });
  replaceKernel<tf.TensorInfo[], tf.ConcatAttrs>(tf.Concat, ({ inputs, attrs, backend }) => {
    const parts = [...inputs];
    if (!parts.every(movable) || parts.some((part) => part.dtype !== parts[0]!.dtype)) return;
    const axis = tf.util.parseAxisParam(attrs.axis, parts[0]!.shape)[0]!;
    const shapes = parts.map((part) => part.shape);
    tf.backend_util.assertParamsConsistent(shapes, axis);
    return joined(backend, parts, axis);
  });
  replaceKernel<tf.TensorInfo[], tf.PackAttrs>(tf.Pack, ({ inputs, attrs, backend }) => {
    const parts = [...inputs];
    const first = parts[0]!;
    const same = (part: tf.TensorInfo): boolean =>
      movable(part) && part.dtype === first.dtype && tf.util.arraysEqual(part.shape, first.shape);
    if (!parts.every(same)) return undefined;
    // The axis is one of the result, which has one more.
    const [axis] = tf.util.parseAxisParam(attrs.axis, [1, ...first.shape]) as [number];
    const shape = first.shape.toSpliced(axis, 0, 1);
    const slices = parts.map((part) => ({ ...part, shape }));
    return joined(backend, slices, axis);
  });
  replaceKernel<One, tf.PadV2Attrs>(tf.PadV2, ({ inputs: { x }, attrs, backend }) =>
    // Paddings below 0 cut off: the inherited kernel does that.
    movable(x) && attrs.paddings.flat().every((size) => size >= 0)
      ? padded(backend, x, attrs.paddings, attrs.constantValue)
      : undefined,
  );
  replaceKernel<One, tf.TileAttrs>(tf.Tile, ({ inputs: { x }, attrs, backend }) => {
    if (!movable(x) || attrs.reps.length !== x.shape.length) return undefined;
    const shape = x.shape.map((size, i) => size * attrs.reps[i]!);
    const from = stridesOf(x.shape);
    const to = stridesOf(shape);
    const loops = x.shape.flatMap((size, i): Loop[] => [
      [attrs.reps[i]!, 0, size * to[i]!],
      [size, from[i]!, to[i]!],
    ]);
    const walk = makeWalk(loops);
    return walk === undefined ? undefined : copied(backend, x, walk, 0, shape);
  });
  replaceKernel<object, tf.FillAttrs>(tf.Fill, ({ attrs, backend }) => {
    const dtype = attrs.dtype ?? tf.util.inferDtype(attrs.value);
    const { shape, value } = attrs;
    return typeof value === 'string' || !isFixed({ dtype })
      ? undefined
      : filled(backend, shape, dtype, Number(value));
  });
  for (const [kernelName, value] of [
    [tf.ZerosLike, 0],
    [tf.OnesLike, 1],
  ] as const) {
    replaceKernel<One, object>(kernelName, ({ inputs: { x }, backend }) =>
      isFixed(x) ? filled(backend, x.shape, x.dtype, value) : undefined,
    );
  }
}

/** A transposed copy. */
export function transposed(
  backend: NativeBackend,
  x: tf.TensorInfo,
  perm: readonly number[],
): tf.TensorInfo {
  const shape = perm.map((axis) => x.shape[axis]!);
  const strides = stridesOf(x.shape);
  const from = perm.map((axis) => strides[axis]!);
  const walk = makeWalk(loopsOf(shape, from, stridesOf(shape)));
  if (walk === undefined)
    throw new UnsupportedError(expected('at most 8 axes', 'transpose', shape));
  return copied(backend, x, walk, 0, shape);
}

/** A copy with `paddings` before and after each axis, filled with one value. */
export function padded(
  backend: NativeBackend,
  x: tf.TensorInfo,
  paddings: readonly (readonly [number, number])[],
  constant: number,
): tf.TensorInfo {
  const shape = x.shape.map((size, i) => size + paddings[i]![0] + paddings[i]![1]);
  const target = stridesOf(shape);
  const offset = paddings.reduce((sum, [before], i) => sum + before * target[i]!, 0);
  const { info, values } = backend.outputOf(x.dtype, shape);
  if (values instanceof Float32Array) backend.binding.fill(constant, values);
  else values.fill(constant);
  if (sizeOf(x.shape) > 0) {
    const walk = makeWalk(loopsOf(x.shape, stridesOf(x.shape), target))!;
    backend.binding.copy(walk, backend.elements(x), 0, values, offset);
  }
  return info;
}

/** A copy of the part of `size` that begins at `begin`. */
export function sliced(
  backend: NativeBackend,
  x: tf.TensorInfo,
  begin: readonly number[],
  size: number[],
): tf.TensorInfo {
  const from = stridesOf(x.shape);
  const offset = begin.reduce((sum, at, i) => sum + at * from[i]!, 0);
  return copied(backend, x, makeWalk(loopsOf(size, from, stridesOf(size)))!, offset, size);
}

function joined(backend: NativeBackend, parts: tf.TensorInfo[], axis: number): tf.TensorInfo {
  const first = parts[0]!;
  const total = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const shape = first.shape.map((size, i) => (i === axis ? total : size));
  const { info, values } = backend.outputOf(first.dtype, shape);
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  let offset = 0;
  for (const part of parts) {
    const run = part.shape[axis]! * inner;
    const walk = makeWalk([
      [outer, run, total * inner],
      [run, 1, 1],
    ])!;
    backend.binding.copy(walk, backend.elements(part), 0, values, offset);
    offset += run;
  }
  return info;
}

/** A new tensor of `shape`, its elements in order those that the walk meets from `offset` on. */
export function copied(
  backend: NativeBackend,
  x: tf.TensorInfo,
  walk: Walk,
  offset: number,
  shape: number[],
): tf.TensorInfo {
  const { info, values } =
    x.dtype === 'float32' ? backend.passingOutput(shape) : backend.outputOf(x.dtype, shape);
  if (sizeOf(shape) > 0) backend.binding.copy(walk, backend.elements(x), offset, values, 0);
  return info;
}

// A value that the dtype does not hold is what a typed array makes of it.
function filled(
  backend: NativeBackend,
  shape: number[],
  dtype: tf.DataType,
  value: number,
): tf.TensorInfo {
  const { info, values } = backend.outputOf(dtype, shape);
  const held = dtype === 'float32' ? value : dtype === 'int32' ? value | 0 : value & 255;
  backend.binding.fill(held, values);
  return info;
}

/** The loops over `sizes` with the steps of the source and of the target. */
export function loopsOf(
  sizes: readonly number[],
  from: readonly number[],
  to: readonly number[],
): Loop[] {
  return sizes.map((size, i) => [size, from[i]!, to[i]!] as const);
}

/** Whether its elements have 1 or 4 bytes, and its axes are few enough for the walk. */
export function movable(x: tf.TensorInfo): boolean {
  return isFixed(x) && x.shape.length <= 8;
}
