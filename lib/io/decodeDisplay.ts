// Decoding as a viewer shows an image.

import sharp from 'sharp';
import { makeImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';
import { yCbCrToRgb } from './decodePil.ts';
import { rgbOf } from './rawPixels.ts';
import type { ImageFile } from './imageFile.ts';

/**
 * The pixels that a viewer shows: the orientation is applied, the profile converted to sRGB, transparency laid on white, and 16 bits
 * are scaled to 8. Where nothing could be seen on white, because all that is drawn is nearly white, the ground is black.
 */
export async function decodeDisplay({ bytes, input, header, tiff }: ImageFile): Promise<RgbImage> {
  const image = sharp(bytes, input).autoOrient();
  if (tiff?.photometric === 6 && tiff.compression !== 7) return yCbCrToRgb(image);
  if (!header.hasAlpha) return rgbOf(image.toColourspace('srgb'));
  const { data, info } = await image
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const isGrey = channels < 4;
  const alphaAt = channels - 1;
  const ground = isInvisibleOnWhite(data, channels) ? 0 : 255;
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i += 1) {
    const alpha = data[i * channels + alphaAt]!;
    for (let c = 0; c < 3; c += 1) {
      const level = data[i * channels + (isGrey ? 0 : c)]!;
      rgb[3 * i + c] = Math.round((level * alpha + ground * (255 - alpha)) / 255);
    }
  }
  return makeImage(width, height, 3, rgb);
}

// The least step of luma from white that is seen, and the share of the drawn pixels that has to be seen.
const [visibleStep, visibleShare] = [48, 0.02];

// Whether next to nothing of an image, each pixel weighted by its opacity, would stand out from white.
function isInvisibleOnWhite(data: Uint8Array, channels: number): boolean {
  let [drawn, seen] = [0, 0];
  const [green, blue] = channels < 4 ? [0, 0] : [1, 2];
  for (let i = 0; i < data.length; i += channels) {
    const alpha = data[i + channels - 1]!;
    const luma = 0.299 * data[i]! + 0.587 * data[i + green]! + 0.114 * data[i + blue]!;
    drawn += alpha;
    if (255 - luma >= visibleStep) seen += alpha;
  }
  return drawn > 0 && seen < visibleShare * drawn;
}
