// The share of a picture that a system's points fill, by which a candidate becomes a category.

import { boxOf } from './trajectory.ts';
import { pixelsOf, type PictureSize } from './layout.ts';
import type { Trajectory } from './trajectory.ts';

/** A picture whose filled pixels are counted, used again and again. */
export class FillPicture {
  private readonly size: number;
  private readonly pad: number;
  private readonly marks: Uint8Array;
  private mark = 0;

  constructor(size: number, pad: number) {
    [this.size, this.pad] = [size, pad];
    this.marks = new Uint8Array(size * size);
  }

  /**
   * Whether the points fill at least `wanted` pixels. It ends as soon as they do, or as the points that are left are too few.
   */
  reaches(trajectory: Trajectory, wanted: number): boolean {
    const box = boxOf(trajectory);
    if (box === undefined) return false;
    const { xs, ys, count } = trajectory;
    const { size, pad } = this;
    const { marks, mark } = this.nextMark();
    const inner = size - 2 * pad;
    const { minX, minY, width, height } = box;
    let missing = wanted;
    for (let i = 0; i < count; i += 1) {
      const x = (((xs[i]! - minX) / width) * inner + pad) | 0;
      const y = (((ys[i]! - minY) / height) * inner + pad) | 0;
      const pixel = y * size + x;
      if (marks[pixel] === mark) {
        if (missing > count - 1 - i) return false;
        continue;
      }
      marks[pixel] = mark;
      missing -= 1;
      if (missing === 0) return true;
    }
    return false;
  }

  // Marks of earlier pictures are other numbers, so that the marks are cleared once in 255 pictures.
  private nextMark(): { marks: Uint8Array; mark: number } {
    this.mark = (this.mark % 255) + 1;
    if (this.mark === 1) this.marks.fill(0);
    return { marks: this.marks, mark: this.mark };
  }
}

/** The filled pixels of a picture as [y, x], row by row; none for points without an extent. */
export function filledPixels(trajectory: Trajectory, picture: PictureSize): [number, number][] {
  const { size } = picture;
  const { x, y } = pixelsOf(trajectory, picture);
  const filled = new Uint8Array(size * size);
  for (let i = 0; i < x.length; i += 1) filled[y[i]! * size + x[i]!] = 1;
  const found: [number, number][] = [];
  filled.forEach((value, at) => {
    if (value === 1) found.push([Math.floor(at / size), at % size]);
  });
  return found;
}
