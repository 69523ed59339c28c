// The format of an image file, found by its first bytes, and whether the file is all there.

/** The formats that are read, as a message lists them. */
export const readFormats = 'JPEG, PNG, WebP, GIF, AVIF and TIFF';

/** The formats that the decoder reads, by the names that `imageFormat` gives. */
const read = ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const;

/** A format that is read. */
export type ReadFormat = (typeof read)[number];

// First bytes by format; formats that are not read are here so that a refusal can name them.
const signatures: readonly (readonly [format: string, bytes: string])[] = [
  ['jpeg', '\xff\xd8\xff'],
  ['png', '\x89PNG\r\n\x1a\n'],
  ['gif', 'GIF87a'],
  ['gif', 'GIF89a'],
  ['tiff', 'II*\0'],
  ['tiff', 'MM\0*'],
  ['tiff', 'II+\0'],
  ['tiff', 'MM\0+'],
  ['bmp', 'BM'],
  ['ico', '\0\0\x01\0'],
  ['psd', '8BPS'],
  ['qoi', 'qoif'],
  ['exr', 'v/1\x01'],
  ['jp2', '\0\0\0\x0cjP  '],
  ['jp2', '\xff\x4f\xff\x51'],
  ['jxl', '\xff\x0a'],
  ['jxl', '\0\0\0\x0cJXL '],
  ['pdf', '%PDF'],
  ['pcx', '\x0a\x05\x01'],
  ['hdr', '#?'],
  ['npy', '\x93NUMPY'],
  ['zip', 'PK\x03\x04'],
  ['gzip', '\x1f\x8b'],
];

/** The format of a file by its first bytes; undefined where they are those of none that we know. */
export function imageFormat(bytes: Uint8Array): string | undefined {
  const start = latin1(bytes, 0, 512);
  const found = signatures.find(([, signature]) => start.startsWith(signature));
  if (found !== undefined) return found[0];
  if (start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP') return 'webp';
  if (start.slice(4, 8) === 'ftyp') return isoBrand(bytes, start);
  const netpbm = /^P([1-7])[\s#]/.exec(start);
  if (netpbm !== null) return ['pbm', 'pgm', 'ppm', 'pbm', 'pgm', 'ppm', 'pam'][+netpbm[1]! - 1];
  if (/^(\xef\xbb\xbf)?\s*<(\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg|<svg)/is.test(start))
    return 'svg';
  if (/<svg[\s>]/i.test(start) && /^\s*</.test(start)) return 'svg';
  return undefined;
}

/** Whether a format is one that is read. */
export function isRead(format: string | undefined): format is ReadFormat {
  return read.includes(format as ReadFormat);
}

// The brands of the first box of an ISO file: AVIF and HEIC differ by them alone.
function isoBrand(bytes: Uint8Array, start: string): string {
  const length = bytes.length < 4 ? 0 : uint32(bytes, 0);
  const brands = start.slice(8, Math.min(length, 512)).match(/[^]{4}/g) ?? [];
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
  return brands.some((brand) => /^(hei|hev|mif1|msf1)/.test(brand)) ? 'heic' : 'mp4';
}

/**
 * The defect of a PNG or GIF file that ends before its own end mark; undefined for one that is whole.
 *
 * The decoder gives such a file as if it were whole when only its last bytes are missing. It notices the other formats by itself.
 * Bytes after the end mark are ignored.
 */
export function cutOff(bytes: Uint8Array, format: ReadFormat): string | undefined {
  const isWhole = format === 'png' ? endsAsPng : format === 'gif' ? endsAsGif : () => true;
  return isWhole(bytes) ? undefined : 'it is cut off: its end is missing';
}

// Chunks of length, type, content, checksum up to IEND.
function endsAsPng(bytes: Uint8Array): boolean {
  for (let at = 8; at + 12 <= bytes.length; at += 12 + uint32(bytes, at)) {
    if (latin1(bytes, at + 4, at + 8) === 'IEND') return true;
  }
  return false;
}

function endsAsGif(bytes: Uint8Array): boolean {
  let at = 13 + tableBytes(bytes[10]);
  while (at < bytes.length) {
    const kind = bytes[at];
    if (kind === gifBlock.trailer) return true;
    if (kind === gifBlock.extension) at = skipSubBlocks(bytes, at + 2);
    else if (kind === gifBlock.image)
      at = skipSubBlocks(bytes, at + 11 + tableBytes(bytes[at + 9]));
    else return true; // Bytes after the last frame: programs that read GIF stop here.
  }
  return false;
}

/** The first byte of each block of a GIF file. */
export const gifBlock = { trailer: 0x3b, extension: 0x21, image: 0x2c } as const;

/** The bytes of a colour table of GIF, which a flags byte announces: 0 without one. */
export function tableBytes(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/** The position after a row of sub-blocks of GIF, each with its length before it, and the empty one at their end. */
export function skipSubBlocks(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes[at]!;
  return at + 1;
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
