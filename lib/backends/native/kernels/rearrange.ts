// Reverse, strided slice, mirror pad, space to batch and depth to space.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { makeWalk, stridesOf } from '../walk.ts';
import { replaceKernel } from './kernel.ts';
import { copied, loopsOf, movable, padded, sliced, transposed } from './layout.ts';

interface One {
  x: tf.TensorInfo;
}

/** Registers the kernels that move elements by a rule along axes: reverse, strided slice, mirrored pad, blocks to and from space. */
export function registerRearrange(): void {
  replaceKernel<One, tf.ReverseAttrs>(tf.Reverse, ({ inputs: { x }, attrs, backend }) => {
    if (!movable(x)) return undefined;
    return reversed(backend, x, tf.util.parseAxisParam(attrs.dims, x.shape));
  });
  replaceKernel<One, tf.StridedSliceAttrs>(tf.StridedSlice, (call) => {
    const { attrs, backend } = call;
    const { x } = call.inputs;
    if (!movable(x)) return undefined;
    const plan = tf.slice_util.sliceInfo(
      x.shape,
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    // Slices without gaps have their own words for what is out of range.
    if (plan.isIdentity || plan.sliceDim0 || plan.isSimpleSlice) return undefined;
    const { begin, end, strides: steps, finalShape } = plan;
    // One entry for each axis of x; the plan's sparse shape lacks the axes that are dropped.
    const shape = begin.map((at, i) => Math.max(0, Math.ceil((end[i]! - at) / steps[i]!)));
    return { ...stepped(backend, x, { shape, begin, steps }), shape: finalShape };
  });
  replaceKernel<One, tf.MirrorPadAttrs>(tf.MirrorPad, ({ inputs: { x }, attrs, backend }) =>
    movable(x) && sizeOf(x.shape) > 0 ? mirrored(backend, x, attrs) : undefined,
  );
  replaceKernel<One, tf.SpaceToBatchNDAttrs>(tf.SpaceToBatchND, (call) => {
    const { attrs, backend } = call;
    const { x } = call.inputs;
    const { blockShape } = attrs;
    if (!movable(x) || x.shape.length + blockShape.length > 8) return undefined;
    const borders = x.shape.map((_, i) => attrs.paddings[i - 1] ?? [0, 0]) as [number, number][];
    const bordered = borders.some(([before, after]) => before + after > 0);
    const image = bordered ? padded(backend, x, borders, 0) : x;
    const size = sizeOf(blockShape);
    const { getReshaped, getPermuted, getReshapedPermuted } = tf.backend_util;
    const shape = getReshaped(image.shape, blockShape, size, false);
    const perm = getPermuted(shape.length, blockShape.length, false);
    const blocks = transposed(backend, { ...image, shape }, perm);
    if (bordered) backend.disposeIntermediateTensorInfo(image);
    return { ...blocks, shape: getReshapedPermuted(image.shape, blockShape, size, false) };
  });
  replaceKernel<One, tf.BatchToSpaceNDAttrs>(tf.BatchToSpaceND, (call) => {
    const { attrs, backend } = call;
    const { x } = call.inputs;
    const { blockShape, crops } = attrs;
    const rank = blockShape.length;
    if (!movable(x) || x.shape.length + rank > 8) return undefined;
    const { getReshaped, getPermuted, getReshapedPermuted, getSliceBeginCoords, getSliceSize } =
      tf.backend_util;
    const size = sizeOf(blockShape);
    const shape = getReshaped(x.shape, blockShape, size);
    const moved = transposed(backend, { ...x, shape }, getPermuted(shape.length, rank));
    const whole = getReshapedPermuted(x.shape, blockShape, size);
    const wide = { ...moved, shape: whole };
    const [begin, sliceSize] = tf.slice_util.parseSliceParams(
      wide as tf.Tensor,
      getSliceBeginCoords(crops, rank),
      getSliceSize(whole, crops, rank),
    );
    tf.slice_util.assertParamsValid(wide as tf.Tensor, begin!, sliceSize!);
    const image = sliced(backend, wide, begin!, sliceSize!);
    backend.disposeIntermediateTensorInfo(moved);
    return image;
  });
  replaceKernel<One, tf.DepthToSpaceAttrs>(tf.DepthToSpace, (call) => {
    const { attrs, backend } = call;
    const { x } = call.inputs;
    const { blockSize: block, dataFormat } = attrs;
    if (!movable(x) || dataFormat !== 'NHWC') return undefined;
    const [batch, height, width, depth] = x.shape as [number, number, number, number];
    const channels = depth / (block * block);
    const shape = [batch, height, width, block, block, channels];
    const image = transposed(backend, { ...x, shape }, [0, 1, 3, 2, 4, 5]);
    return { ...image, shape: [batch, height * block, width * block, channels] };
  });
}

/** A copy that runs backwards along some axes. */
export function reversed(
  backend: NativeBackend,
  x: tf.TensorInfo,
  axes: readonly number[],
): tf.TensorInfo {
  return stepped(backend, x, {
    shape: x.shape,
    begin: x.shape.map((size, i) => (axes.includes(i) ? size - 1 : 0)),
    steps: x.shape.map((_, i) => (axes.includes(i) ? -1 : 1)),
  });
}

// A copy of every step-th element along each axis, backwards where a step is negative.
function stepped(
  backend: NativeBackend,
  x: tf.TensorInfo,
  { shape, begin, steps }: { shape: number[]; begin: readonly number[]; steps: readonly number[] },
): tf.TensorInfo {
  const from = stridesOf(x.shape);
  const offset = begin.reduce((sum, at, i) => sum + at * from[i]!, 0);
  const loops = loopsOf(
    shape,
    from.map((stride, i) => stride * steps[i]!),
    stridesOf(shape),
  );
  return copied(backend, x, makeWalk(loops)!, offset, shape);
}

// The middle is copied; then, axis by axis, what lies beyond its two ends mirrors what was written already.
function mirrored(
  backend: NativeBackend,
  x: tf.TensorInfo,
  { paddings, mode }: tf.MirrorPadAttrs,
): tf.TensorInfo {
  const shape = x.shape.map((size, i) => size + paddings[i]![0] + paddings[i]![1]);
  const { info, values } = backend.outputOf(x.dtype, shape);
  const steps = stridesOf(shape);
  // The first and the number of places along each axis that are written.
  const first = paddings.map(([before]) => before);
  const count = [...x.shape];
  const at = (axis: number, place: number): number =>
    first.reduce((sum, begin, i) => sum + (i === axis ? place : begin) * steps[i]!, 0);
  const middle = makeWalk(loopsOf(x.shape, stridesOf(x.shape), steps))!;
  backend.binding.copy(middle, backend.elements(x), 0, values, at(-1, 0));
  const skip = mode === 'reflect' ? 1 : 0;
  for (const [axis, [before, after]] of paddings.entries()) {
    const begin = first[axis]!;
    const end = begin + x.shape[axis]!;
    const back = steps.map((step, i) => (i === axis ? -step : step));
    const mirror = (length: number, source: number, target: number): void => {
      if (length === 0) return;
      const sizes = count.map((size, i) => (i === axis ? length : size));
      const walk = makeWalk(loopsOf(sizes, back, steps))!;
      backend.binding.copy(walk, values, at(axis, source), values, at(axis, target));
    };
    mirror(before, begin + before - 1 + skip, 0);
    mirror(after, end - 1 - skip, end);
    first[axis] = 0;
    count[axis] = shape[axis]!;
  }
  return info;
}
