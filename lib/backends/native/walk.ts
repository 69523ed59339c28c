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
  const kept: [number, number, number][] = [];
  for (const [size, a, b] of loops) {
    if (size === 1) continue;
    const last = kept.at(-1);
    if (last !== undefined && last[1] === a * size && last[2] === b * size) {
      last[0] *= size;
      last[1] = a;
      last[2] = b;
    } else kept.push([size, a, b]);
  }
  if (kept.length === 0) kept.push([1, 1, 1]);
  if (kept.length > maxLoops) return undefined;
  return [0, 1, 2].flatMap((part) => kept.map((loop) => loop[part]!));
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
