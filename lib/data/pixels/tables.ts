// Point operations of an image: each level of a channel becomes another by a table.

import type { RgbImage } from '../../core/image.ts';

/** A table of 256 levels for each channel, or one for all. */
export type LevelTables = readonly Uint8Array[];

/**
 * The image with every level v of channel c replaced by `tables[c][v]`.
 *
 * @param tables  one for each channel, or one for all of them
 */
export function applyTables(image: RgbImage, tables: LevelTables): RgbImage {
  const { channels, data } = image;
  const out = new Uint8Array(data.length);
  for (let c = 0; c < channels; c += 1) {
    const table = tables[tables.length === 1 ? 0 : c]!;
    for (let i = c; i < data.length; i += channels) out[i] = table[data[i]!]!;
  }
  return { ...image, data: out };
}

/** The image in negative: 255 − v. PIL's `ImageOps.invert`. */
export function invert(image: RgbImage): RgbImage {
  return applyTables(image, [tableOf((v) => 255 - v)]);
}

/**
 * The image with the upper bits of each level alone. PIL's `ImageOps.posterize`.
 *
 * @param bits  how many bits stay, 0 … 8; with 0, which Pillow 13 refuses, the image is black as in older Pillow
 */
export function posterize(image: RgbImage, bits: number): RgbImage {
  const mask = ~(2 ** (8 - bits) - 1);
  return applyTables(image, [tableOf((v) => v & mask)]);
}

/** The image with all levels from the threshold on inverted. PIL's `ImageOps.solarize`. */
export function solarize(image: RgbImage, threshold = 128): RgbImage {
  return applyTables(image, [tableOf((v) => (v < threshold ? v : 255 - v))]);
}

/** The image with `add` added to all levels below the threshold, at most 255. timm's `solarize_add`. */
export function solarizeAdd(image: RgbImage, add: number, threshold = 128): RgbImage {
  return applyTables(image, [tableOf((v) => (v < threshold ? Math.min(255, v + add) : v))]);
}

/** Each channel stretched so that its lowest level is 0 and its highest 255. PIL's `ImageOps.autocontrast` without cut-off. */
export function autoContrast(image: RgbImage): RgbImage {
  const tables = histograms(image).map((histogram) => {
    const low = histogram.findIndex((count) => count > 0);
    const high = histogram.findLastIndex((count) => count > 0);
    if (high <= low) return tableOf((v) => v);
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return tableOf((v) => Math.min(255, Math.max(0, Math.trunc(v * scale + offset))));
  });
  return applyTables(image, tables);
}

/** Each channel with its levels about equally frequent. PIL's `ImageOps.equalize`. */
export function equalize(image: RgbImage): RgbImage {
  const tables = histograms(image).map((histogram) => {
    const counts = histogram.filter((count) => count > 0);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const step = Math.floor((total - (counts.at(-1) ?? 0)) / 255);
    if (counts.length <= 1 || step === 0) return tableOf((v) => v);
    let n = Math.floor(step / 2);
    return Uint8Array.from(histogram, (count) => {
      const level = Math.min(255, Math.floor(n / step));
      n += count;
      return level;
    });
  });
  return applyTables(image, tables);
}

function tableOf(level: (v: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, v) => level(v));
}

// How often each level occurs, by channel.
function histograms({ channels, data }: RgbImage): Uint32Array[] {
  return Array.from({ length: channels }, (_, c) => {
    const histogram = new Uint32Array(256);
    for (let i = c; i < data.length; i += channels) histogram[data[i]!]! += 1;
    return histogram;
  });
}
