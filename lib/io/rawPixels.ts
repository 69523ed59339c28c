// Samples of the decoder as images of ours.

import { makeImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';
import type { Sharp } from 'sharp';

/** The 8-bit samples of an image as RGB; one channel becomes three, and an alpha that is left is dropped. */
export async function rgbOf(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  if (info.channels === 3) return makeImage(width, height, 3, plainBytes(data));
  return makeImage(width, height, 3, spread(data, info.channels, width * height));
}

/** The first of several channels as three. */
export function spread(data: Uint8Array, channels: number, count: number): Uint8Array {
  const rgb = new Uint8Array(3 * count);
  for (let i = 0; i < count; i += 1) rgb.fill(data[i * channels]!, 3 * i, 3 * i + 3);
  return rgb;
}

function plainBytes(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
