// Layouts: the point of a trajectory that each pixel of a picture shows, the same for all patch patterns and flips.

import { InputError, expected } from '../core/errors.ts';
import { boxOf, type Trajectory } from './trajectory.ts';

/**
 * The size of pictures in pixels.
 *
 * @property size  their side
 * @property pad   pixels that stay empty at their edges; a patch reaches 3 pixels into them
 */
export interface PictureSize {
  size: number;
  pad: number;
}

/**
 * A picture before its patches are drawn.
 *
 * @property owners   [size, size], rows from the top: 16 · the number of the visible point, plus the bit of its mask; −1: none
 * @property visible  [count]: the points that are seen, the last one first
 */
export interface Layout {
  readonly size: number;
  readonly owners: Int32Array;
  readonly visible: Int32Array;
  count: number;
}

/** A place for layouts of pictures. */
export function makeLayout(size: number): Layout {
  const pixels = size * size;
  const [owners, visible] = [new Int32Array(pixels), new Int32Array(pixels)];
  return { size, owners, visible, count: 0 };
}

/**
 * Lays out the points of a trajectory, which are drawn in their order, each over what was there.
 *
 * A pixel is (v − min)·(size − 2·pad)/(max − min) + pad, truncated, with y upwards. A patch lies on 3 × 3 pixels one to the right
 * and below, seen with y downwards, and its zeros overwrite too. Going from the last point to the first, a pixel belongs to the
 * point that reaches it first, and a place that was passed once hides nothing more.
 *
 * @param patch  whether a point draws a patch, else one pixel
 * @throws InputError for points without an extent, which no picture can show
 */
export function layOut(
  trajectory: Trajectory,
  { size, pad }: PictureSize,
  patch: boolean,
  out: Layout,
): void {
  const box = boxOf(trajectory);
  if (box === undefined) throw flatSystem();
  const { xs, ys, count } = trajectory;
  const { owners, visible } = out;
  const inner = size - 2 * pad;
  const { minX, minY, width, height } = box;
  owners.fill(-1);
  const passed = new Uint8Array(size * size);
  let rank = 0;
  for (let i = count - 1; i >= 0; i -= 1) {
    const x = (((xs[i]! - minX) / width) * inner + pad) | 0;
    const y = (((ys[i]! - minY) / height) * inner + pad) | 0;
    const at = (size - 1 - y) * size + x;
    if (passed[at] !== 0) continue;
    passed[at] = 1;
    visible[rank] = i;
    const code = rank << 4;
    rank += 1;
    if (!patch) {
      owners[at] = code;
      continue;
    }
    // Rows of the patch go down before the picture is turned over, so up here; bit 8 is the first of the first row.
    for (let row = 0, from = at - size + 1; row < 9; row += 3, from -= size) {
      if (owners[from]! < 0) owners[from] = code + 8 - row;
      if (owners[from + 1]! < 0) owners[from + 1] = code + 7 - row;
      if (owners[from + 2]! < 0) owners[from + 2] = code + 6 - row;
    }
  }
  out.count = rank;
}

/** The pixels of all points of a trajectory, y upwards; none for points without an extent. */
export function pixelsOf(
  trajectory: Trajectory,
  { size, pad }: PictureSize,
): { x: Int32Array; y: Int32Array } {
  const box = boxOf(trajectory);
  const count = box === undefined ? 0 : trajectory.count;
  const inner = size - 2 * pad;
  const { minX = 0, minY = 0, width = 1, height = 1 } = box ?? {};
  return {
    x: Int32Array.from(trajectory.xs.subarray(0, count), (x) => ((x - minX) / width) * inner + pad),
    y: Int32Array.from(
      trajectory.ys.subarray(0, count),
      (y) => ((y - minY) / height) * inner + pad,
    ),
  };
}

/** The error for a system whose points have no extent. */
export function flatSystem(): InputError {
  const remedy = 'Its points lie on one place, or on a line along an axis, or run to infinity.';
  return new InputError(expected('points with an extent', 'a system', 'others', remedy));
}
