// Walks: nested loops over two strided arrays, as native kernels take them.

import type { Walk } from './binding.ts';

/** One loop of a walk: how often, and the step in each of the two arrays. */
export type Loop = readonly [size: number, strideA: number, strideB: number];

/** The most loops a walk may have. */
const maxLoops = 8;

/**
 * A walk with as few loops as possible: loops of size 1 are left out, neighbours that step as one are joined.
 *
 * @param loops  outermost first
 * @returns undefined if more than `maxLoops` remain
 */
export function makeWalk(loops: readonly Loop[]): Walk | undefined {
  // Written out, since a small op spends more time here than on its numbers.
  const sizes: number[] = [];
  const stepsA: number[] = [];
  const stepsB: number[] = [];
  let last = -1;
  for (let i = 0; i < loops.length; i += 1) {
    const loop = loops[i]!;
    const size = loop[0];
    if (size === 1) continue;
    if (last >= 0 && stepsA[last] === loop[1] * size && stepsB[last] === loop[2] * size) {
      sizes[last]! *= size;
    } else {
      last += 1;
      sizes[last] = size;
    }
    stepsA[last] = loop[1];
    stepsB[last] = loop[2];
  }
  if (last < 0) return [1, 1, 1];
  if (last >= maxLoops) return undefined;
  return sizes.concat(stepsA, stepsB);
}

/** Steps in elements along each axis of a row-major array. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** The steps with which an array of `shape` is repeated to fill `outShape`: 0 along a repeated axis. */
export function broadcastStrides(shape: readonly number[], outShape: readonly number[]): number[] {
  const own = stridesOf(shape);
  const lead = outShape.length - shape.length;
  return outShape.map((_, axis) =>
    axis < lead || shape[axis - lead] === 1 ? 0 : own[axis - lead]!,
  );
}
