// Decoding image files.

import sharp from 'sharp';
import { assertInteger, assertOneOf } from '../core/check.ts';
import { IoError, show } from '../core/errors.ts';
import { makeImage } from '../core/image.ts';
import { readBytes } from './disk.ts';
import { ioError } from './ioError.ts';
import type { RgbImage } from '../core/image.ts';
import type { DecodeMode } from '../data/preprocessing.ts';
import type { Metadata, Sharp, SharpOptions } from 'sharp';

/**
 * The options of `decodeImage`.
 *
 * @property mode            default 'display'; use one mode for training and inference
 * @property channels        3 (RGB) or 1 (grey, ITU-R 601 luma as Pillow's 'L'); default 3
 * @property maxPixels       larger images are refused by their header, before anything is allocated; default 50 million
 * @property allowTruncated  true: the missing part of a truncated file is grey; default false: the file is refused
 */
export interface DecodeOptions {
  mode?: DecodeMode;
  channels?: 1 | 3;
  maxPixels?: number;
  allowTruncated?: boolean;
}

const formats = ['jpeg', 'png', 'webp', 'gif', 'heif', 'tiff'];
const maxFileBytes = 2 ** 29;

/**
 * Decodes a JPEG, PNG, WebP, GIF, AVIF or TIFF image. The format is found by content, not by name. An animation gives its first
 * frame.
 *
 * @param source  a path, or the bytes of a file
 * @throws IoError naming the file, if it is in none of these formats, damaged, too large, or not a regular file
 *
 * @example const image = await decodeImage('cat.jpg');   // {width: 640, height: 480, channels: 3, data}
 */
export async function decodeImage(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const {
    mode = 'display',
    channels = 3,
    maxPixels = 50_000_000,
    allowTruncated = false,
  } = options;
  assertOneOf('mode', mode, ['display', 'pil']);
  assertInteger('maxPixels', maxPixels, { min: 1 });
  const name = typeof source === 'string' ? source : 'image';
  const bytes =
    typeof source === 'string' ? await readBytes(source, { maxBytes: maxFileBytes }) : source;
  if (bytes.length === 0) throw broken(name, 'it is empty');
  const input: SharpOptions = {
    failOn: allowTruncated ? 'none' : 'error',
    limitInputPixels: false,
    ignoreIcc: mode === 'pil',
  };
  const header = await readHeader(bytes, input, name);
  assertSize(header, maxPixels, name);
  try {
    const image = sharp(bytes, input);
    const rgb = mode === 'pil' ? await decodePil(image, header) : await decodeDisplay(image);
    return channels === 3 ? rgb : grey(rgb);
  } catch (error) {
    throw broken(name, reasonOf(error), error);
  }
}

async function readHeader(bytes: Uint8Array, input: SharpOptions, name: string): Promise<Metadata> {
  let header: Metadata;
  try {
    header = await sharp(bytes, input).metadata();
  } catch (error) {
    throw broken(name, reasonOf(error), error);
  }
  if (!formats.includes(header.format)) {
    throw broken(
      name,
      `${show(header.format)} is not read; JPEG, PNG, WebP, GIF, AVIF and TIFF are`,
    );
  }
  return header;
}

function assertSize({ width, height }: Metadata, maxPixels: number, name: string): void {
  if (!(width > 0 && height > 0)) throw broken(name, `its size is ${width} x ${height}`);
  if (width * height > maxPixels) {
    throw broken(
      name,
      `${width} x ${height} is more than ${maxPixels} pixels. Scale it down first`,
    );
  }
}

async function decodeDisplay(image: Sharp): Promise<RgbImage> {
  return rgbOf(image.autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb'));
}

async function decodePil(image: Sharp, header: Metadata): Promise<RgbImage> {
  if (header.space === 'cmyk') return cmykToRgb(image);
  const isDeepGrey = header.depth === 'ushort' && header.channels <= 2;
  if (isDeepGrey) return clipDeepGrey(image);
  return rgbOf(image.removeAlpha().toColourspace('srgb'));
}

async function rgbOf(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  if (info.channels === 3) return makeImage(width, height, 3, plainBytes(data));
  return makeImage(width, height, 3, spread(data, info.channels, width * height));
}

// One channel (and an alpha that is left) as three.
function spread(data: Uint8Array, channels: number, count: number): Uint8Array {
  const rgb = new Uint8Array(3 * count);
  for (let i = 0; i < count; i += 1) rgb.fill(data[i * channels]!, 3 * i, 3 * i + 3);
  return rgb;
}

// Pillow converts its mode I;16 to L by clipping, not by scaling.
async function clipDeepGrey(image: Sharp): Promise<RgbImage> {
  const grey16 = image.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' });
  const { data, info } = await grey16.toBuffer({ resolveWithObject: true });
  const count = info.width * info.height;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = Uint8Array.from({ length: count }, (_, i) =>
    Math.min(255, view.getUint16(2 * i * info.channels, true)),
  );
  return makeImage(info.width, info.height, 3, spread(values, 1, count));
}

// Pillow's cmyk2rgb: each of R, G, B is (255 − K) − C·(255 − K) / 255, the product divided in its rounded way.
async function cmykToRgb(image: Sharp): Promise<RgbImage> {
  const raw = image.pipelineColourspace('cmyk').toColourspace('cmyk').raw({ depth: 'uchar' });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const count = info.width * info.height;
  const rgb = new Uint8Array(3 * count);
  for (let i = 0; i < count; i += 1) {
    const light = 255 - data[4 * i + 3]!;
    for (let c = 0; c < 3; c += 1) {
      const product = data[4 * i + c]! * light + 128;
      rgb[3 * i + c] = light - (((product >> 8) + product) >> 8);
    }
  }
  return makeImage(info.width, info.height, 3, rgb);
}

function grey({ width, height, data }: RgbImage): RgbImage {
  const luma = new Uint8Array(width * height);
  for (let i = 0; i < luma.length; i += 1) {
    const sum = 19595 * data[3 * i]! + 38470 * data[3 * i + 1]! + 7471 * data[3 * i + 2]!;
    luma[i] = (sum + 32768) >> 16;
  }
  return makeImage(width, height, 1, luma);
}

function plainBytes(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

// The first line of the decoder's message, without its own prefixes.
function reasonOf(error: unknown): string {
  const text = String(error)
    .replace(/^Error: /, '')
    .split('\n')[0]!
    .trim();
  return text.replace(/^Input buffer (has|contains)/, 'it $1').replace(/[\s.:]+$/, '');
}

function broken(name: string, reason: string, cause?: unknown): IoError {
  if (cause instanceof IoError) return ioError('decode', name, cause);
  return new IoError(`Cannot decode ${show(name)}: ${reason}.`, { cause });
}
