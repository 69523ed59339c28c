// GIF as Pillow reads it, where a transparent pixel keeps the colour of its palette entry.

import { gifBlock, skipSubBlocks, tableBytes } from './imageFormat.ts';

/**
 * A GIF file without transparency, and the colour around its first frame.
 *
 * @property bytes   the file, in which no palette entry of the first frame is transparent
 * @property ground  [R, G, B] around the first frame: the transparent entry of the palette, else its first
 * @property frame   the place of the first frame
 */
export interface OpaqueGif {
  bytes: Uint8Array;
  ground: readonly [number, number, number];
  frame: { left: number; top: number; width: number; height: number };
}

/**
 * Takes the transparency out of the first frame of a GIF file. A file without a palette gets that of 256 greys.
 *
 * Source: Pillow 13, GifImagePlugin.py, `_seek` and `load_prepare`.
 */
export function opaqueGif(file: Uint8Array): OpaqueGif {
  // `slice` would not copy a Buffer of Node, and the caller's bytes would be written to.
  const bytes = new Uint8Array(file);
  const global = { at: 13, size: tableBytes(bytes[10]) };
  let transparent = 0;
  let at = 13 + global.size;
  while (at < bytes.length && bytes[at] === gifBlock.extension) {
    // A graphic control extension: its length 4, flags, delay, the transparent entry.
    if (bytes[at + 1] === 0xf9 && bytes[at + 2] === 4 && (bytes[at + 3]! & 1) === 1) {
      transparent = bytes[at + 6]!;
      bytes[at + 3]! &= 0xfe;
    }
    at = skipSubBlocks(bytes, at + 2);
  }
  const local = { at: at + 10, size: tableBytes(bytes[at + 9]) };
  const palette = local.size > 0 ? local : global;
  if (palette.size === 0) return opaqueGif(withGreyPalette(file));
  const from = palette.at + 3 * transparent;
  const [r = 0, g = 0, b = 0] =
    3 * transparent < palette.size ? bytes.subarray(from, from + 3) : [];
  const [left, top, width, height] = [1, 3, 5, 7].map(
    (k) => bytes[at + k]! + 256 * bytes[at + k + 1]!,
  );
  const frame = { left: left!, top: top!, width: width!, height: height! };
  return { bytes, ground: [r, g, b], frame };
}

function withGreyPalette(file: Uint8Array): Uint8Array {
  const greys = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const bytes = new Uint8Array(file.length + greys.length);
  bytes.set(file.subarray(0, 13));
  bytes[10]! |= 0x87;
  bytes.set(greys, 13);
  bytes.set(file.subarray(13), 13 + greys.length);
  return bytes;
}
