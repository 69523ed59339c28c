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
 * @property owners   [size, size], rows from the top: 16 · the number of the visible point, plus the bit of its mask; 16 · count: none
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
 * A pixel is (v − min)·(size − 2·pad)/(max − min) + pad, truncated, with y upwards; one that is no number, of an infinite
 * extent, is 0. A patch lies on 3 × 3 pixels one to the right
 * and below, seen with y downwards, and its zeros overwrite too. Of the points on one place only the last is visible, so that the
 * others need not be drawn.
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
  const passed = new Uint8Array(size * size);
  const seen = new Int32Array(size * size);
  let rank = 0;
  for (let i = count - 1; i >= 0; i -= 1) {
    const x = (((xs[i]! - minX) / width) * inner + pad) | 0;
    const y = (((ys[i]! - minY) / height) * inner + pad) | 0;
    const at = (size - 1 - y) * size + x;
    if (passed[at] !== 0) continue;
    passed[at] = 1;
    visible[rank] = i;
    seen[rank] = at;
    rank += 1;
  }
  owners.fill(rank << 4);
  for (let r = rank - 1; r >= 0; r -= 1) {
    const at = seen[r]!;
    const code = r << 4;
    if (!patch) {
      owners[at] = code;
      continue;
    }
    // Rows of the patch go down before the picture is turned over, so up here; bit 8 is the first of the first row.
    for (let row = 0, from = at - size + 1; row < 9; row += 3, from -= size) {
      owners[from] = code + 8 - row;
      owners[from + 1] = code + 7 - row;
      owners[from + 2] = code + 6 - row;
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
  const remedy = 'Its points lie on one place, or on a line along an axis.';
  return new InputError(expected('points with an extent', 'a system', 'others', remedy));
}
