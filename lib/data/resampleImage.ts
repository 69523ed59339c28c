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
  for (let i = 0; i < width * height; i += 1) {
    const [x, y] = [xs[i]!, ys[i]!];
    const left = Math.floor(x);
    const top = Math.floor(y);
    const [u, v] = [x - left, y - top];
    for (let k = 0; k < channels; k += 1) {
      const upper = at(left, top, k) * (1 - u) + at(left + 1, top, k) * u;
      const lower = at(left, top + 1, k) * (1 - u) + at(left + 1, top + 1, k) * u;
      out[i * channels + k] = Math.round(upper * (1 - v) + lower * v);
    }
  }
  return { width, height, channels, data: out };
}
