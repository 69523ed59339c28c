// Values of an image between its pixels, as Pillow interpolates them.

import type { RgbImage } from '../../core/image.ts';

/** Writes the colour at (x, y), in pixels from the upper left corner, to `out` at `to`; nothing outside of the image. */
export type Sampler = (image: RgbImage, x: number, y: number, out: Uint8Array, to: number) => void;

/** Between 2 × 2 pixels, truncated. */
export const bilinearAt: Sampler = (image, x, y, out, to) => {
  const { width, height, channels, data } = image;
  if (x < 0 || x >= width || y < 0 || y >= height) return;
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const u = x - 0.5 - left;
  const v = y - 0.5 - top;
  const x0 = Math.max(left, 0) * channels;
  const x1 = Math.min(left + 1, width - 1) * channels;
  const upper = Math.max(top, 0) * width * channels;
  // Below the last row PIL takes the upper value unchanged, which is what the same row again gives.
  const lower = (top + 1 < height ? top + 1 : top) * width * channels;
  for (let c = 0; c < channels; c += 1) {
    const a = data[upper + x0 + c]!;
    const b = data[lower + x0 + c]!;
    const v1 = a + (data[upper + x1 + c]! - a) * u;
    const v2 = b + (data[lower + x1 + c]! - b) * u;
    out[to + c] = v1 + (v2 - v1) * v;
  }
};

/** Between 4 × 4 pixels by cubic convolution with a = −1, clipped and truncated. */
export const bicubicAt: Sampler = (image, x, y, out, to) => {
  const { width, height, channels, data } = image;
  if (x < 0 || x >= width || y < 0 || y >= height) return;
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  const u = x - 0.5 - left;
  const v = y - 0.5 - top;
  const x0 = clamp(left - 1, width) * channels;
  const x1 = clamp(left, width) * channels;
  const x2 = clamp(left + 1, width) * channels;
  const x3 = clamp(left + 2, width) * channels;
  const row = width * channels;
  for (let c = 0; c < channels; c += 1) {
    const across = (y0: number) => {
      const from = y0 * row + c;
      return cubic(data[from + x0]!, data[from + x1]!, data[from + x2]!, data[from + x3]!, u);
    };
    // Rows above the image repeat the first one; a row below it repeats the value before.
    const v1 = across(clamp(top - 1, height));
    const v2 = top >= 0 ? across(top) : v1;
    const v3 = top + 1 < height ? across(top + 1) : v2;
    const v4 = top + 2 < height ? across(top + 2) : v3;
    const value = cubic(v1, v2, v3, v4, v);
    out[to + c] = value <= 0 ? 0 : value >= 255 ? 255 : value;
  }
};

function clamp(index: number, length: number): number {
  return index < 0 ? 0 : index < length ? index : length - 1;
}

function cubic(v1: number, v2: number, v3: number, v4: number, d: number): number {
  const p2 = -v1 + v3;
  const p3 = 2 * (v1 - v2) + v3 - v4;
  const p4 = -v1 + v2 - v3 + v4;
  return v2 + d * (p2 + d * (p3 + d * p4));
}
