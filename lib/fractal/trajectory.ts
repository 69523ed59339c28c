// The points that an iterated function system visits, in double precision and in the order of the published code.

import type { Ifs } from './ifs.ts';

/**
 * The points of a system, and how many of them count.
 *
 * @property xs, ys  their coordinates; the first point is (0, 0)
 * @property count   points to be drawn: all, or those well before the first that is not finite
 */
export interface Trajectory {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  count: number;
  minX: number;
  maxX: number;
  minY: number;
  maxY: number;
}

/** A place for the points of systems, `length` of each. */
export function makeTrajectory(length: number): Trajectory {
  const [xs, ys] = [new Float64Array(length), new Float64Array(length)];
  return { xs, ys, count: 0, minX: 0, maxX: 0, minY: 0, maxY: 0 };
}

/** The box that points fill: its lower left corner and its sides. */
export interface Box {
  minX: number;
  minY: number;
  width: number;
  height: number;
}

/**
 * The box of a trajectory's points; undefined where a side is 0, which no picture can show. A side may be infinite, where a system
 * grows up to the largest numbers: then all points but some lie on one line, as in the published pictures.
 */
export function boxOf({ count, minX, maxX, minY, maxY }: Trajectory): Box | undefined {
  const box = { minX, minY, width: maxX - minX, height: maxY - minY };
  return count > 0 && box.width > 0 && box.height > 0 ? box : undefined;
}

const blockLength = 512;

/** Points that the published code drops before the first that is not a number. */
const droppedBefore = 100;

/**
 * Fills a trajectory: x' = a·x + b·y + e, y' = c·x + d·y + f with the map that `choices` names for each step, from (0, 0).
 *
 * Where a coordinate is no longer a number, the points from there on and the 100 before them do not count, as in the published code.
 *
 * @param choices  [length − 1 or more], places in `Ifs.maps`
 * @param limit    a trajectory of which a coordinate gets so far may be given up: no point of it counts then
 */
export function follow(ifs: Ifs, choices: Uint8Array, out: Trajectory, limit = Infinity): void {
  const { maps } = ifs;
  const { xs, ys } = out;
  const { length } = xs;
  let [x, y] = [0, 0];
  let [minX, maxX, minY, maxY] = [0, 0, 0, 0];
  xs[0] = 0;
  ys[0] = 0;
  out.count = length;
  for (let from = 1; from < length; from += blockLength) {
    const to = Math.min(length, from + blockLength);
    for (let i = from; i < to; i += 1) {
      const m = choices[i - 1]!;
      const nextX = x * maps[m]! + y * maps[m + 1]! + maps[m + 4]!;
      y = x * maps[m + 2]! + y * maps[m + 3]! + maps[m + 5]!;
      x = nextX;
      xs[i] = x;
      ys[i] = y;
      if (x < minX) minX = x;
      else if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      else if (y > maxY) maxY = y;
    }
    if (Number.isNaN(x) || Number.isNaN(y)) return cutOff(out, to);
    if (Math.abs(x) > limit || Math.abs(y) > limit) {
      out.count = 0;
      return;
    }
  }
  [out.minX, out.maxX, out.minY, out.maxY] = [minX, maxX, minY, maxY];
}

// A coordinate that is not a number stays so. The published code looks at x first, and at y among the points that are left.
function cutOff(out: Trajectory, end: number): void {
  let count = end;
  for (const values of [out.xs, out.ys]) {
    const bad = values.subarray(0, count).findIndex(Number.isNaN);
    if (bad >= 0) count = Math.max(0, bad - droppedBefore);
  }
  out.count = count;
  [out.minX, out.maxX, out.minY, out.maxY] = [0, 0, 0, 0];
  for (let i = 0; i < count; i += 1) {
    out.minX = Math.min(out.minX, out.xs[i]!);
    out.maxX = Math.max(out.maxX, out.xs[i]!);
    out.minY = Math.min(out.minY, out.ys[i]!);
    out.maxY = Math.max(out.maxY, out.ys[i]!);
  }
}
