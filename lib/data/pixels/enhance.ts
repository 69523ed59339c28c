// Brightness, contrast, saturation and sharpness: blends of an image with a degenerate form of itself, as in PIL's ImageEnhance.

import type { RgbImage } from '../../core/image.ts';
import { greyOf, rgbOfGrey } from './luma.ts';
import { applyTables } from './tables.ts';

// Local because each look-up of a global costs time in a loop over pixels.
const { fround } = Math;

/** Blended with black. @param factor  0 is black, 1 the image, above 1 brighter */
export function adjustBrightness(image: RgbImage, factor: number): RgbImage {
  return blendWithLevel(image, 0, factor);
}

/** Blended with the mean of its grey levels. @param factor  0 is that grey, 1 the image, above 1 more contrast */
export function adjustContrast(image: RgbImage, factor: number): RgbImage {
  const { data: grey } = greyOf(image);
  let sum = 0;
  for (const level of grey) sum += level;
  return blendWithLevel(image, Math.trunc(sum / grey.length + 0.5), factor);
}

/** Blended with its grey levels. @param factor  0 is grey, 1 the image, above 1 more colourful */
export function adjustSaturation(image: RgbImage, factor: number): RgbImage {
  return image.channels === 1 ? image : blend(rgbOfGrey(greyOf(image)), image, factor);
}

/** Blended with its smoothed form, a 3 × 3 mean in which the centre weighs 5. @param factor  0 is smooth, 1 the image, above 1 sharper */
export function adjustSharpness(image: RgbImage, factor: number): RgbImage {
  return blend(smooth(image), image, factor);
}

/**
 * PIL's `Image.blend`: from + factor · (to − from) in float32, clipped and truncated.
 *
 * @param factor  0 gives `from`, 1 gives `to`; other values extrapolate
 */
export function blend(from: RgbImage, to: RgbImage, factor: number): RgbImage {
  const alpha = fround(factor);
  if (alpha === 0) return from;
  if (alpha === 1) return to;
  // The product for each difference of two levels.
  const steps = Float32Array.from({ length: 511 }, (_, i) => alpha * (i - 255));
  const [a, b] = [from.data, to.data];
  const data = new Uint8Array(a.length);
  for (let i = 0; i < data.length; i += 1) {
    data[i] = clip(fround(a[i]! + steps[b[i]! - a[i]! + 255]!));
  }
  return { ...to, data };
}

// A blend from one level everywhere to the image.
function blendWithLevel(image: RgbImage, level: number, factor: number): RgbImage {
  const alpha = fround(factor);
  if (alpha === 1) return image;
  const table = Uint8Array.from({ length: 256 }, (_, v) =>
    clip(fround(level + fround(alpha * (v - level)))),
  );
  return applyTables(image, [table]);
}

function clip(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}

// PIL's `ImageFilter.SMOOTH`. It leaves the outermost pixels as they are, and images of less than three pixels altogether.
// A sum of 13 weights over 13 is never half way between two levels, so whole numbers give what PIL's floats give.
function smooth(image: RgbImage): RgbImage {
  const { width, height, channels, data } = image;
  if (width < 3 || height < 3) return image;
  const out = data.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y += 1) {
    const end = (y + 1) * row - channels;
    for (let i = y * row + channels; i < end; i += 1) {
      const above = data[i - row - channels]! + data[i - row]! + data[i - row + channels]!;
      const beside = data[i - channels]! + 5 * data[i]! + data[i + channels]!;
      const below = data[i + row - channels]! + data[i + row]! + data[i + row + channels]!;
      out[i] = (2 * (above + beside + below) + 13) / 26;
    }
  }
  return { ...image, data: out };
}
