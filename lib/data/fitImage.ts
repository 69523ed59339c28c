import type { RgbImage } from '../core/image.ts';
import { resizeImage } from './resizeImage.ts';

/**
 * The centre of an image, cropped to the shape of `size` and scaled to it as `resizeImage` does, bilinear.
 *
 * As much as can be seen stays: one pair of opposite sides is not cropped. What is cut off is the same on both sides, so a
 * mirrored image gives the mirrored result. An image of the size itself is returned as it is.
 *
 * @param size.width, size.height  1 … 16384
 */
export function fitImage(image: RgbImage, size: { height: number; width: number }): RgbImage {
  const scale = Math.min(image.width / size.width, image.height / size.height);
  const cutX = margin(image.width, size.width * scale);
  const cutY = margin(image.height, size.height * scale);
  return resizeImage(cropImage(image, cutX, cutY), size);
}

// What to cut off at either end of a length, so that about `wanted` of it and at least one pixel stays.
function margin(length: number, wanted: number): number {
  return Math.min(Math.round((length - wanted) / 2), Math.floor((length - 1) / 2));
}

// Without as many columns on either side, and rows above and below.
function cropImage(image: RgbImage, cutX: number, cutY: number): RgbImage {
  if (cutX === 0 && cutY === 0) return image;
  const { channels } = image;
  const [width, height] = [image.width - 2 * cutX, image.height - 2 * cutY];
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y += 1) {
    const from = ((y + cutY) * image.width + cutX) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data };
}
