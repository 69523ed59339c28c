// Decoding as Pillow's `Image.open(file).convert('RGB')` does.

import sharp from 'sharp';
import { makeImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';
import { opaqueGif } from './gifGround.ts';
import { rgbOf, spread } from './rawPixels.ts';
import type { ImageFile } from './imageFile.ts';
import type { Sharp } from 'sharp';

/**
 * The pixels that Pillow gives: orientation and profile are ignored (TIFF: the orientation is applied), alpha is dropped.
 *
 * @param atLeast  [H, W]: a JPEG may be made smaller by a whole number, as far as no side gets below these; default: nothing is
 *
 * Source: Pillow 13, PngImagePlugin.py, TiffImagePlugin.py, GifImagePlugin.py, src/libImaging/Convert.c.
 */
export async function decodePil(
  file: ImageFile,
  atLeast?: readonly [number, number],
): Promise<RgbImage> {
  const { format, bytes, header, tiff, input } = file;
  if (format === 'gif') return decodeGif(file);
  const plain = sharp(bytes, input);
  const image = format === 'tiff' ? plain.autoOrient() : plain;
  if (header.space === 'cmyk') return cmykToRgb(image);
  if (tiff?.photometric === 6 && tiff.compression !== 7) return yCbCrToRgb(image);
  // Pillow's mode I;16, which a PNG of the colour type "grey with alpha" (4) does not have.
  const isGrey = header.channels === 1 || (header.channels === 2 && bytes[25] === 0);
  if (header.depth === 'ushort' && isGrey) return clipDeepGrey(image, tiff?.photometric === 0);
  const smaller = atLeast === undefined ? image : scaled(image, file, atLeast);
  return rgbOf(smaller.removeAlpha().toColourspace('srgb'));
}

// The decoder of JPEG halves an image while it reads it where the whole is to become a third or less.
const leastScale = 3;

function scaled(
  image: Sharp,
  { format, header }: ImageFile,
  [h, w]: readonly [number, number],
): Sharp {
  const { width, height } = header;
  const scale = Math.floor(Math.min(width / w, height / h));
  if (format !== 'jpeg' || scale < leastScale) return image;
  const size = { width: Math.ceil(width / scale), height: Math.ceil(height / scale) };
  return image.resize({ ...size, fit: 'fill', kernel: 'linear' });
}

async function decodeGif({ bytes, input }: ImageFile): Promise<RgbImage> {
  const { bytes: opaque, ground, frame } = opaqueGif(bytes);
  const { width, height, data } = await rgbOf(
    sharp(opaque, input).removeAlpha().toColourspace('srgb'),
  );
  const [right, bottom] = [frame.left + frame.width, frame.top + frame.height];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const isInside = x >= frame.left && x < right && y >= frame.top && y < bottom;
      if (!isInside) data.set(ground, 3 * (y * width + x));
    }
  }
  return makeImage(width, height, 3, data);
}

// Pillow converts its mode I;16 to L by clipping, not by scaling, and does not invert where white is zero.
async function clipDeepGrey(image: Sharp, isInverted: boolean): Promise<RgbImage> {
  const grey16 = image.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' });
  const { data, info } = await grey16.toBuffer({ resolveWithObject: true });
  const count = info.width * info.height;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = Uint8Array.from({ length: count }, (_, i) => {
    const level = view.getUint16(2 * i * info.channels, true);
    return Math.min(255, isInverted ? 65535 - level : level);
  });
  return makeImage(info.width, info.height, 3, spread(values, 1, count));
}

// Pillow's cmyk2rgb: each of R, G, B is (255 − K) − C·(255 − K) / 255, the product divided in its rounded way.
async function cmykToRgb(image: Sharp): Promise<RgbImage> {
  const raw = image.pipelineColourspace('cmyk').toColourspace('cmyk').raw({ depth: 'uchar' });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const count = info.width * info.height;
  const rgb = new Uint8Array(3 * count);
  for (let i = 0; i < count; i += 1) {
    const at = i * info.channels;
    const light = 255 - data[at + 3]!;
    for (let c = 0; c < 3; c += 1) {
      const product = data[at + c]! * light + 128;
      rgb[3 * i + c] = light - (((product >> 8) + product) >> 8);
    }
  }
  return makeImage(info.width, info.height, 3, rgb);
}

/** Samples Y, Cb, Cr of an image as RGB; Pillow's ImagingConvertYCbCr2RGB, whose coefficients have 6 fractional bits. */
export async function yCbCrToRgb(image: Sharp): Promise<RgbImage> {
  const { width, height, data } = await rgbOf(image.removeAlpha());
  const rgb = new Uint8ClampedArray(data.length);
  const of = (level: number, factor: number): number =>
    Math.trunc((level - 128) * factor * 64 + 0.5);
  for (let i = 0; i < data.length; i += 3) {
    const [y, cb, cr] = [data[i]!, data[i + 1]!, data[i + 2]!];
    rgb[i] = y + (of(cr, 1.402) >> 6);
    rgb[i + 1] = y + ((of(cb, -0.34414) + of(cr, -0.71414)) >> 6);
    rgb[i + 2] = y + (of(cb, 1.772) >> 6);
  }
  return makeImage(width, height, 3, new Uint8Array(rgb.buffer));
}
