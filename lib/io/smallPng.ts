// Small PNG files as data sets of digits and icons have them: decoded without the set-up of a decoder for every format.

import { PNG } from 'pngjs';
import { makeImage, type RgbImage } from '../core/image.ts';
import { cutOff, imageFormat } from './imageFormat.ts';

// Beyond it the decoder for large images is faster.
const mostPixels = 2 ** 14;
const mostBytes = 2 ** 20;
const [grey, rgb, palette] = [0, 2, 3];
// Chunks that say nothing of pixels that Pillow gives; another kind may.
const known = /^(IHDR|PLTE|IDAT|IEND|tEXt|zTXt|iTXt|tIME|pHYs|gAMA|cHRM|sRGB|iCCP|bKGD)$/;

/**
 * The pixels of a small PNG file as `decodePil` gives them, [H, W, 3]; undefined for any other file, and for one with a defect.
 *
 * Grey, RGB and palettes of at most 8 bits, without transparency, not interlaced, of at most 16,384 pixels. Pixels of 28 × 28 take a
 * tenth of the time.
 */
export function smallPng(bytes: Uint8Array): RgbImage | undefined {
  if (
    imageFormat(bytes) !== 'png' ||
    bytes.length < 57 ||
    bytes.length > mostBytes ||
    cutOff(bytes, 'png') !== undefined
  ) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, kind, , , interlaced] = bytes.subarray(24, 29);
  const isPlain = depth === 8 && (kind === grey || kind === rgb);
  const isSmall = width > 0 && height > 0 && width * height <= mostPixels;
  if (!isSmall || interlaced !== 0 || !(isPlain || (kind === palette && depth! <= 8))) {
    return undefined;
  }
  if (!chunkNames(view).every((name) => known.test(name))) return undefined;
  try {
    const { data } = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const out = new Uint8Array(3 * width * height);
    for (let i = 0, at = 0; at < out.length; i += 4, at += 3) {
      out[at] = data[i]!;
      out[at + 1] = data[i + 1]!;
      out[at + 2] = data[i + 2]!;
    }
    return makeImage(width, height, 3, out);
  } catch {
    return undefined; // the other decoder says what is wrong
  }
}

function chunkNames(view: DataView): string[] {
  const names: string[] = [];
  for (let at = 8; at + 12 <= view.byteLength; at += 12 + view.getUint32(at)) {
    names.push(String.fromCharCode(...[4, 5, 6, 7].map((k) => view.getUint8(at + k))));
  }
  return names;
}
