// Encodes an image as a PNG file.

import { PNG } from 'pngjs';
import { assertImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';

/**
 * An image as a PNG file, grey or RGB, 8 bits. The same image gives the same bytes.
 *
 * @throws InputError if the bytes do not fit the size
 */
export function encodePng(image: RgbImage): Uint8Array {
  assertImage('image', image);
  const { width, height, channels, data } = image;
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  // 0: grey, 2: RGB; both as they lie in memory.
  const colorType = channels === 1 ? 0 : 2;
  const bytes = PNG.sync.write(png, { colorType, inputColorType: colorType, inputHasAlpha: false });
  return new Uint8Array(bytes);
}
