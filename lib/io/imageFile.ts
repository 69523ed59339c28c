// An image file whose header was read and checked, before its pixels are decoded.

import sharp from 'sharp';
import { IoError, messageOf, show } from '../core/errors.ts';
import { cutOff, imageFormat, isRead, readFormats, type ReadFormat } from './imageFormat.ts';
import { ioError } from './ioError.ts';
import { tiffHeader, unreadTiff, type TiffHeader } from './tiffHeader.ts';
import type { Metadata, SharpOptions } from 'sharp';

/**
 * An image file, ready to be decoded.
 *
 * @property tiff   the fields of a TIFF file that its decoder does not tell
 * @property input  how the decoder is to read the bytes
 */
export interface ImageFile {
  format: ReadFormat;
  bytes: Uint8Array;
  header: Metadata;
  tiff: TiffHeader | undefined;
  input: SharpOptions;
}

/** The limits of reading an image file. @property name  how messages call it */
export interface ImageFileOptions {
  name: string;
  maxPixels: number;
  allowTruncated: boolean;
  ignoreIcc: boolean;
}

/**
 * Reads the header of an image file. No pixel is decoded, and nothing is allocated by what the header says.
 *
 * @throws IoError in one sentence if the file is of a format that is not read, or cut off, or has more than `maxPixels` pixels
 */
export async function openImageFile(
  bytes: Uint8Array,
  { name, maxPixels, allowTruncated, ignoreIcc }: ImageFileOptions,
): Promise<ImageFile> {
  if (bytes.length === 0) throw broken(name, 'it is empty');
  const format = imageFormat(bytes);
  if (!isRead(format)) throw unread(name, format === undefined ? 'its format' : show(format));
  const tiff = format === 'tiff' ? tiffHeader(bytes) : undefined;
  const kind = tiff === undefined ? undefined : unreadTiff(tiff);
  if (kind !== undefined) throw unread(name, kind, ' of uint8 and uint16');
  const defect = allowTruncated ? undefined : cutOff(bytes, format);
  if (defect !== undefined) throw broken(name, defect);
  const input: SharpOptions = {
    failOn: allowTruncated ? 'none' : 'error',
    limitInputPixels: false,
    ignoreIcc,
  };
  const header = await sharp(bytes, input)
    .metadata()
    .catch((error: unknown) => {
      throw broken(name, reasonOf(error), error);
    });
  assertSize(header, maxPixels, name);
  return { format, bytes, header, tiff, input };
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

/** The first line of the decoder's message, without its own prefixes. */
export function reasonOf(error: unknown): string {
  const text = messageOf(error).split('\n')[0]!.trim();
  return text.replace(/^Input buffer (has|contains)/, 'it $1').replace(/[\s.:]+$/, '');
}

function unread(name: string, what: string, which = ''): IoError {
  return broken(name, `${what} is not read; ${readFormats}${which} are`);
}

/** The error of an image file that cannot be decoded. */
export function broken(name: string, reason: string, cause?: unknown): IoError {
  if (cause instanceof IoError) return ioError('decode', name, cause);
  return new IoError(`Cannot decode ${show(name)}: ${reason}.`, { cause });
}
