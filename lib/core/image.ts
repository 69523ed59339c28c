// An image as plain bytes, outside any backend.

import { InputError, expected } from './errors.ts';

/**
 * An image as plain bytes: `data[(y·width + x)·channels + c]`, 0 … 255, rows from the top.
 *
 * @property channels  1 (grey) or 3 (RGB)
 */
export interface RgbImage {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array;
}

/** An image over the given bytes. @throws InputError if their number is not width · height · channels */
export function makeImage(
  width: number,
  height: number,
  channels: 1 | 3,
  data: Uint8Array,
): RgbImage {
  if (data.length !== width * height * channels) {
    throw new InputError(
      expected(
        `${width * height * channels} bytes (${width}×${height}×${channels})`,
        'image data',
        data.length,
      ),
    );
  }
  return { width, height, channels, data };
}
