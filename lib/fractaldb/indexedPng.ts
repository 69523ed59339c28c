// Pictures of few colours as PNG files with a palette: a fraction of the bytes and of the time of one with full colours.

import { crc32, deflateSync } from 'node:zlib';
import type { FractalPicture } from '../fractal/renderer.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** The last bytes of every PNG file. */
export const pngEnd = chunk('IEND', new Uint8Array(0));

/**
 * A picture as a PNG file: a bit a pixel for two colours, else a byte. The same picture gives the same bytes.
 *
 * pngjs and sharp write no palette of given colours.
 */
export function encodeIndexedPng({ size, indices, palette }: FractalPicture): Uint8Array {
  const depth = palette.length <= 6 ? 1 : 8;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, size);
  view.setUint32(4, size);
  // Depth, colour type 3 (palette), then deflate, filters by row, not interlaced.
  header.set([depth, 3, 0, 0, 0], 8);
  const rows = depth === 1 ? bitRows(indices, size) : byteRows(indices, size);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(rows, { level: 6 })),
    pngEnd,
  ]);
}

// Each row begins with its filter, 0: none.
function byteRows(indices: Uint8Array, size: number): Uint8Array {
  const rows = new Uint8Array(size * (size + 1));
  for (let y = 0; y < size; y += 1) {
    rows.set(indices.subarray(y * size, (y + 1) * size), y * (size + 1) + 1);
  }
  return rows;
}

function bitRows(indices: Uint8Array, size: number): Uint8Array {
  const stride = 1 + Math.ceil(size / 8);
  const rows = new Uint8Array(size * stride);
  for (let y = 0; y < size; y += 1) {
    const to = y * stride + 1;
    for (let x = 0; x < size; x += 1) {
      rows[to + (x >> 3)]! |= indices[y * size + x]! << (7 - (x & 7));
    }
  }
  return rows;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}
