// Cutting, padding and mirroring an image.

import { assertInteger } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import type { RgbImage } from '../../core/image.ts';

/** A rectangle of an image, in whole pixels. */
export interface CropBox {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** The part of an image inside a box. @throws InputError if the box is empty or reaches out of the image */
export function cropImage(image: RgbImage, { top, left, height, width }: CropBox): RgbImage {
  assertInteger('the width of a crop', width, { min: 1 });
  assertInteger('the height of a crop', height, { min: 1 });
  assertInteger('left of a crop', left, { min: 0, max: image.width - width });
  assertInteger('top of a crop', top, { min: 0, max: image.height - height });
  if (width === image.width && height === image.height) return image;
  const { channels } = image;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y += 1) {
    const from = ((y + top) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data };
}

/** A level for each channel of an image, from as many or from one for all. */
export function levelsOf({ channels }: RgbImage, fill: readonly number[]): number[] {
  return Array.from({ length: channels }, (_, c) => fill[c % fill.length]!);
}

/** How far an image is extended on each side, in pixels. */
export interface Padding {
  top?: number;
  left?: number;
  bottom?: number;
  right?: number;
}

/**
 * The image with a margin.
 *
 * @param fill  a level for each channel, or `reflect`: the margin mirrors the image, without repeating its edge
 */
export function padImage(
  image: RgbImage,
  { top = 0, left = 0, bottom = 0, right = 0 }: Padding,
  fill: readonly number[] | 'reflect' = [0, 0, 0],
): RgbImage {
  const { channels, data } = image;
  const [width, height] = [image.width + left + right, image.height + top + bottom];
  if (fill === 'reflect') {
    const most = Math.max(top, bottom) < image.height && Math.max(left, right) < image.width;
    if (!most) {
      const size = `an image of ${image.width} × ${image.height}`;
      throw new InputError(expected(`a margin smaller than the image`, 'reflect padding', size));
    }
  }
  const out = new Uint8Array(width * height * channels);
  for (let y = 0, to = 0; y < height; y += 1) {
    const row = inside(y - top, image.height, fill);
    for (let x = 0; x < width; x += 1, to += channels) {
      const column = inside(x - left, image.width, fill);
      const from = row < 0 || column < 0 ? -1 : (row * image.width + column) * channels;
      for (let c = 0; c < channels; c += 1) {
        out[to + c] = from < 0 ? (fill as readonly number[])[c]! : data[from + c]!;
      }
    }
  }
  return { width, height, channels, data: out };
}

// The source index of a target index, or −1 for one to be filled.
function inside(index: number, length: number, fill: readonly number[] | 'reflect'): number {
  if (index >= 0 && index < length) return index;
  if (fill !== 'reflect') return -1;
  return index < 0 ? -index : 2 * (length - 1) - index;
}

/** The image with left and right exchanged. */
export function flipHorizontally(image: RgbImage): RgbImage {
  const { width, channels, data } = image;
  const out = new Uint8Array(data.length);
  const row = width * channels;
  for (let start = 0; start < data.length; start += row) {
    for (let x = 0; x < width; x += 1) {
      const from = start + x * channels;
      const to = start + (width - 1 - x) * channels;
      for (let c = 0; c < channels; c += 1) out[to + c] = data[from + c]!;
    }
  }
  return { ...image, data: out };
}

/** The image with top and bottom exchanged. */
export function flipVertically(image: RgbImage): RgbImage {
  const { width, height, channels, data } = image;
  const out = new Uint8Array(data.length);
  const row = width * channels;
  for (let y = 0; y < height; y += 1) {
    out.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return { ...image, data: out };
}
