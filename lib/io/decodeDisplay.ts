// Decoding as a viewer shows an image.

import sharp from 'sharp';
import type { RgbImage } from '../core/image.ts';
import { flattenAlpha } from '../data/flattenAlpha.ts';
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
  const raw = image.toColourspace('srgb').ensureAlpha().raw({ depth: 'uchar' });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  return flattenAlpha(data, info);
}
