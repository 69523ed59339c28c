// A small picture of an image in a data URI, for a page to embed.

import sharp from 'sharp';
import { assertImage, type RgbImage } from '../core/image.ts';
import { encodePng } from './encodePng.ts';

/** A thumbnail as a `data:` address, and its size in pixels. */
export interface Thumbnail {
  uri: string;
  width: number;
  height: number;
}

/**
 * An image with its longer side at most `side` pixels: a PNG where it is that small already, else scaled down, as a JPEG of a few kB.
 *
 * @param side  default 160
 */
export async function thumbnailOf(image: RgbImage, side = 160): Promise<Thumbnail> {
  assertImage('image', image);
  const { width, height, channels, data } = image;
  if (Math.max(width, height) <= 64) {
    return { uri: uriOf('image/png', encodePng(image)), width, height };
  }
  const { data: bytes, info } = await sharp(data, { raw: { width, height, channels } })
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 82 })
    .toBuffer({ resolveWithObject: true });
  return { uri: uriOf('image/jpeg', bytes), width: info.width, height: info.height };
}

function uriOf(type: string, bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}
