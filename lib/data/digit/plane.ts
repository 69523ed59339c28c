// A plane of numbers, and the filters on it.

import { makeImage } from '../../core/image.ts';
import type { RgbImage } from '../../core/image.ts';

/** Numbers row by row: `values[y · width + x]`. */
export interface Plane {
  width: number;
  height: number;
  values: Float32Array;
}

/** A plane of the same size, of a value for each position. */
export function planeLike({ width, height }: Plane, value: (i: number) => number): Plane {
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i += 1) values[i] = value(i);
  return { width, height, values };
}

/** The luma of an image (ITU-R 601), 0 … 255. */
export function lumaPlane({ width, height, channels, data }: RgbImage): Plane {
  const luma = (i: number): number =>
    channels === 1
      ? data[i]!
      : 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!;
  return planeLike({ width, height, values: new Float32Array(0) }, luma);
}

/** A plane as a grey image, each value rounded to 0 … 255. */
export function greyImage({ width, height, values }: Plane): RgbImage {
  const data = Uint8Array.from(values, (value) => Math.max(0, Math.min(255, Math.round(value))));
  return makeImage(width, height, 1, data);
}

/** The mean over windows of (2 · radius + 1)², which end at the borders. */
export function boxBlur(plane: Plane, radius: number): Plane {
  return blurColumns(blurRows(plane, radius), radius);
}

function blurRows({ width, height, values }: Plane, radius: number): Plane {
  const out = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) blurLine(values, out, y * width, 1, width, radius);
  return { width, height, values: out };
}

function blurColumns({ width, height, values }: Plane, radius: number): Plane {
  const out = new Float32Array(values.length);
  for (let x = 0; x < width; x += 1) blurLine(values, out, x, width, height, radius);
  return { width, height, values: out };
}

// A running sum over one line of `length` values, `step` apart.
function blurLine(
  values: Float32Array,
  out: Float32Array,
  from: number,
  step: number,
  length: number,
  radius: number,
): void {
  let [sum, count] = [0, 0];
  for (let i = -radius; i < length; i += 1) {
    if (i + radius < length) {
      sum += values[from + (i + radius) * step]!;
      count += 1;
    }
    if (i - radius - 1 >= 0) {
      sum -= values[from + (i - radius - 1) * step]!;
      count -= 1;
    }
    if (i >= 0) out[from + i * step] = sum / count;
  }
}

/** The value below which a share of the values lies, estimated from at most 8192 of them. */
export function quantile(values: Float32Array, share: number): number {
  if (values.length === 0) return 0;
  const step = Math.ceil(values.length / 8192);
  const sorted = values.filter((_, i) => i % step === 0).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
