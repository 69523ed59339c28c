import { makeImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';

/**
 * An image with 1 channel (grey) or 3 (RGB); the same object if it has them already.
 *
 * grey = (19595 R + 38470 G + 7471 B + 32768) >> 16, as PIL's `convert('L')`; grey to RGB repeats the value.
 */
export function convertChannels(image: RgbImage, channels: 1 | 3): RgbImage {
  if (image.channels === channels) return image;
  const { width, height, data } = image;
  const out = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i += 1) {
    if (channels === 1) {
      const at = 3 * i;
      out[i] = (19595 * data[at]! + 38470 * data[at + 1]! + 7471 * data[at + 2]! + 32768) >> 16;
    } else {
      out.fill(data[i]!, 3 * i, 3 * i + 3);
    }
  }
  return makeImage(width, height, channels, out);
}
