// Decoding image files.

import { assertInteger, assertOneOf, isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import { greyOf } from '../data/pixels/luma.ts';
import { decodeModes, type DecodeMode } from '../data/preprocessing.ts';
import { decodeDisplay } from './decodeDisplay.ts';
import { decodePil } from './decodePil.ts';
import { readBytes } from './disk.ts';
import { broken, openImageFile, reasonOf } from './imageFile.ts';
import { smallPng } from './smallPng.ts';

/**
 * The options of `decodeImage`.
 *
 * @property mode            default 'display'; use one mode for training and inference
 * @property channels        3 (RGB) or 1 (grey, ITU-R 601 luma as Pillow's 'L'); default 3
 * @property atLeast         [H, W] below which mode 'fast', which needs it, makes no side
 * @property maxPixels       larger images are refused by their header, before anything is allocated; default 50 million
 * @property allowTruncated  true: the missing part of a truncated file is grey; default false: the file is refused
 */
export interface DecodeOptions {
  mode?: DecodeMode;
  channels?: 1 | 3;
  atLeast?: readonly [number, number] | undefined;
  maxPixels?: number;
  allowTruncated?: boolean;
}

const maxFileBytes = 2 ** 29;

/**
 * Decodes a JPEG, PNG, WebP, GIF, AVIF or TIFF image. The format is found by content, not by name. An animation gives its first
 * frame, a file of several pages its first page.
 *
 * TIFF is read with samples of at most 16 bits, unsigned, and not in CIELab. Anything else, such as BMP, HEIC, PPM or a TIFF of
 * floats, is refused by its name.
 *
 * @param source  a path, or the bytes of a file
 * @throws IoError naming the file, if it is in none of these formats, damaged, too large, or not a regular file
 * @throws InputError if the source is neither, or an option cannot be used
 *
 * @example const image = await decodeImage('cat.jpg');   // {width: 640, height: 480, channels: 3, data}
 */
export async function decodeImage(
  source: string | Uint8Array | ArrayBuffer,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const given = isBytes(source) ? bytesOf(source) : assertPath(source);
  const { mode, channels, atLeast, maxPixels, allowTruncated } = parse(options);
  const name = typeof given === 'string' ? given : 'image';
  const bytes =
    typeof given === 'string' ? await readBytes(given, { maxBytes: maxFileBytes }) : given;
  const small = mode === 'display' ? undefined : smallPng(bytes);
  if (small !== undefined && small.width * small.height <= maxPixels) {
    return channels === 3 ? small : greyOf(small);
  }
  const limits = { name, maxPixels, allowTruncated, ignoreIcc: mode !== 'display' };
  const file = await openImageFile(bytes, limits);
  try {
    const rgb = mode === 'display' ? await decodeDisplay(file) : await decodePil(file, atLeast);
    return channels === 3 ? rgb : greyOf(rgb);
  } catch (error) {
    throw broken(name, reasonOf(error), error);
  }
}

/** Whether a value is a path or the bytes of a file, for `decodeImage`. */
export function isImageFile(source: unknown): source is string | Uint8Array | ArrayBuffer {
  return typeof source === 'string' || isBytes(source);
}

// By its tag: bytes of another realm, such as a test runner's, are of another class.
function isBytes(source: unknown): source is Uint8Array | ArrayBuffer {
  return (
    Object.prototype.toString.call(source) === '[object ArrayBuffer]' ||
    (ArrayBuffer.isView(source) && 'BYTES_PER_ELEMENT' in source && source.BYTES_PER_ELEMENT === 1)
  );
}

function bytesOf(source: Uint8Array | ArrayBuffer): Uint8Array {
  if (!ArrayBuffer.isView(source)) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

function assertPath(source: unknown): string {
  if (typeof source === 'string' && source !== '' && !source.includes('\0')) return source;
  const remedy = 'For pixels that are decoded already use makeImage.';
  throw new InputError(
    expected('a path or the bytes of an image file', 'decodeImage', source, remedy),
  );
}

type FullOptions = Required<Omit<DecodeOptions, 'atLeast'>> & Pick<DecodeOptions, 'atLeast'>;

function parse(options: unknown): FullOptions {
  if (!isRecord(options)) {
    throw new InputError(expected('an object', 'the options of decodeImage', options));
  }
  const full: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(options)) {
    assertOneOf('an option of decodeImage', key, [...Object.keys(defaults), 'atLeast']);
    if (value !== undefined) full[key] = value;
  }
  const { mode, channels, atLeast, maxPixels, allowTruncated } = full;
  assertOneOf('mode', mode, decodeModes);
  assertAtLeast(mode, atLeast);
  if (channels !== 1 && channels !== 3) {
    throw new InputError(expected('1 or 3', 'channels', channels));
  }
  assertInteger('maxPixels', maxPixels, { min: 1 });
  if (typeof allowTruncated !== 'boolean') {
    throw new InputError(expected('true or false', 'allowTruncated', allowTruncated));
  }
  return {
    mode,
    channels,
    atLeast: mode === 'fast' ? atLeast : undefined,
    maxPixels,
    allowTruncated,
  };
}

function assertAtLeast(
  mode: DecodeMode,
  atLeast: unknown,
): asserts atLeast is readonly [number, number] | undefined {
  if (atLeast === undefined && mode !== 'fast') return;
  if (!Array.isArray(atLeast) || atLeast.length !== 2) {
    const remedy = "It is the size of the model's input.";
    throw new InputError(expected('[H, W]', `atLeast of mode ${mode}`, atLeast, remedy));
  }
  atLeast.forEach((side) => assertInteger('atLeast', side, { min: 1, max: 16384 }));
}

const defaults: Omit<FullOptions, 'atLeast'> = {
  mode: 'display',
  channels: 3,
  maxPixels: 50_000_000,
  allowTruncated: false,
};
