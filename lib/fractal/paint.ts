// Pictures from layouts: patches are drawn by their masks, and turned over.

import { hues } from './palette.ts';
import type { Layout } from './layout.ts';
import type { Rng } from '../core/rng.ts';

/** The masks for a layout of single points: the lowest bit. */
export function pointMasks({ count }: Layout, masks: Uint16Array): void {
  masks.fill(1, 0, count);
}

/**
 * Draws a layout as indices of a palette: 0 is black, 1 the grey; in colour 1 + the hue, which is the point's number modulo 128.
 *
 * @param masks  [layout.count + 1 or more], the patch of each visible point, 9 bits; the one after them is set to 0
 * @param out    [size, size], rows from the top
 */
export function paint(
  { owners, visible, count }: Layout,
  masks: Uint16Array,
  color: boolean,
  out: Uint8Array,
): void {
  const { length } = owners;
  masks[count] = 0;
  if (!color) {
    for (let pixel = 0; pixel < length; pixel += 1) {
      const owner = owners[pixel]!;
      out[pixel] = (masks[owner >> 4]! >> (owner & 15)) & 1;
    }
    return;
  }
  for (let pixel = 0; pixel < length; pixel += 1) {
    const owner = owners[pixel]!;
    const bit = (masks[owner >> 4]! >> (owner & 15)) & 1;
    out[pixel] = bit * (1 + (visible[owner >> 4]! % hues));
  }
}

/** Draws masks 1 … 511, each as likely: 9 bits of the stream, three masks a word, drawn again while they are 0. */
export function drawMasks(rng: Rng, count: number, out: Uint16Array): void {
  let i = 0;
  while (i < count) {
    const word = rng.uint32();
    for (let bits = 0; bits < 27 && i < count; bits += 9) {
      const mask = (word >>> bits) & 511;
      out[i] = mask;
      i += mask === 0 ? 0 : 1;
    }
  }
}

/** Flip 0: as it is; 1: top to bottom; 2: left to right; 3: both. */
export function flipped(picture: Uint8Array, size: number, flip: number): Uint8Array {
  if (flip === 0) return picture.slice();
  if (flip === 3) return picture.slice().reverse();
  const source = flip === 1 ? picture : picture.slice().reverse();
  const out = new Uint8Array(picture.length);
  for (let row = 0; row < size; row += 1) {
    out.set(source.subarray(row * size, (row + 1) * size), (size - 1 - row) * size);
  }
  return out;
}
