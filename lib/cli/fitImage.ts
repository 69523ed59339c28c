import type { RgbImage } from '../core/image.ts';

/**
 * The centre of an image, cropped to the shape of `size` and scaled to it.
 *
 * Bilinear; when it shrinks, each output pixel is the mean of what it covers, weighted by a triangle. An image of the size
 * itself is returned as it is.
 */
export function fitImage(image: RgbImage, size: { height: number; width: number }): RgbImage {
  const { height, width } = size;
  if (image.height === height && image.width === width) return image;
  const scale = Math.min(image.width / width, image.height / height);
  const columns = taps(image.width, width, scale);
  const rows = taps(image.height, height, scale);
  const { channels, data } = image;
  // [input rows, width, C], then [height, width, C].
  const narrow = new Float32Array(image.height * width * channels);
  for (let y = 0; y < image.height; y += 1)
    for (let x = 0; x < width; x += 1)
      for (let c = 0; c < channels; c += 1) {
        let sum = 0;
        for (const [from, weight] of columns[x]!)
          sum += weight * data[(y * image.width + from) * channels + c]!;
        narrow[(y * width + x) * channels + c] = sum;
      }
  const out = new Uint8Array(height * width * channels);
  const stride = width * channels;
  for (let y = 0; y < height; y += 1)
    for (let i = 0; i < stride; i += 1) {
      let sum = 0;
      for (const [from, weight] of rows[y]!) sum += weight * narrow[from * stride + i]!;
      out[y * stride + i] = Math.round(sum);
    }
  return { width, height, channels, data: out };
}

// For each output pixel the input pixels it is made of, with weights that sum to 1.
function taps(from: number, to: number, scale: number): [index: number, weight: number][][] {
  const offset = (from - to * scale) / 2;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = offset + (i + 0.5) * scale - 0.5;
    const list: [number, number][] = [];
    for (let j = Math.ceil(centre - reach); j <= Math.floor(centre + reach); j += 1) {
      const weight = 1 - Math.abs(j - centre) / reach;
      if (weight > 0) list.push([Math.min(from - 1, Math.max(0, j)), weight]);
    }
    const total = list.reduce((sum, [, weight]) => sum + weight, 0);
    return list.map(([index, weight]) => [index, weight / total]);
  });
}
