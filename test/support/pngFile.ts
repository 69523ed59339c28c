import { crc32, deflateSync } from 'node:zlib';

/** A chunk of a PNG file. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  body.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(body), 8 + data.length);
  return bytes;
}

/** Pixel rows as the content of IDAT, each behind a filter byte of 0. */
export function pngRows(rows: readonly (readonly number[])[]): Uint8Array {
  return deflateSync(Buffer.concat(rows.map((row) => Buffer.from([0, ...row]))));
}

/** A PNG file: header, the given chunks, end. Colour type 0 is grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha. */
export function pngFile(
  width: number,
  height: number,
  chunks: readonly Uint8Array[],
  { depth = 8, color = 2, interlace = 0, end = true } = {},
): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, color, 0, 0, interlace], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const last = end ? [pngChunk('IEND', new Uint8Array(0))] : [];
  return new Uint8Array(Buffer.concat([signature, pngChunk('IHDR', header), ...chunks, ...last]));
}
