// Bilinear resampling of an image at any positions.

import type { RgbImage } from '../core/image.ts';

/**
 * The image whose pixel i shows the input at (xs[i], ys[i]), interpolated bilinearly and rounded to the nearest level.
 *
 * @param xs, ys  [H·W] source positions row by row; pixel centres lie at whole numbers
 * @param fill    the value outside of the image, 0 … 255
 */
export function resampleImage(
  image: RgbImage,
  xs: Float64Array,
  ys: Float64Array,
  fill: number,
): RgbImage {
  const { width, height, channels, data } = image;
  const out = new Uint8Array(data.length);
  const at = (x: number, y: number, k: number): number =>
    x >= 0 && x < width && y >= 0 && y < height ? data[(y * width + x) * channels + k]! : fill;
  const row = width * channels;
  for (let i = 0; i < width * height; i += 1) {
    const left = Math.floor(xs[i]!);
    const top = Math.floor(ys[i]!);
    const u = xs[i]! - left;
    const v = ys[i]! - top;
    // Nearly all pixels are inside, where no neighbour has to be checked.
    const inside = left >= 0 && left < width - 1 && top >= 0 && top < height - 1;
    for (let k = 0; k < channels; k += 1) {
      const from = top * row + left * channels + k;
      const a = inside ? data[from]! : at(left, top, k);
      const b = inside ? data[from + channels]! : at(left + 1, top, k);
      const c = inside ? data[from + row]! : at(left, top + 1, k);
      const d = inside ? data[from + row + channels]! : at(left + 1, top + 1, k);
      const upper = a * (1 - u) + b * u;
      const lower = c * (1 - u) + d * u;
      out[i * channels + k] = Math.round(upper * (1 - v) + lower * v);
    }
  }
  return { width, height, channels, data: out };
}
