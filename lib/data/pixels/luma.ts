// Grey and colour of one image.

import { makeImage, type RgbImage } from '../../core/image.ts';

/** The luma of ITU-R 601 as Pillow's mode 'L' rounds it; a grey image as it is. */
export function greyOf(image: RgbImage): RgbImage {
  const { width, height, channels, data } = image;
  if (channels === 1) return image;
  const luma = new Uint8Array(width * height);
  for (let i = 0; i < luma.length; i += 1) {
    const sum = 19595 * data[3 * i]! + 38470 * data[3 * i + 1]! + 7471 * data[3 * i + 2]!;
    luma[i] = (sum + 32768) >> 16;
  }
  return makeImage(width, height, 1, luma);
}

/** A grey image as RGB; one in colour as it is. */
export function rgbOfGrey(image: RgbImage): RgbImage {
  const { width, height, channels, data } = image;
  if (channels === 3) return image;
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0, at = 0; i < data.length; i += 1, at += 3) {
    rgb[at] = rgb[at + 1] = rgb[at + 2] = data[i]!;
  }
  return makeImage(width, height, 3, rgb);
}
