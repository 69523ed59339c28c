// Resizing as Pillow does it.

import { assertInteger, assertOneOf } from '../core/check.ts';
import { assertImage, makeImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';

/**
 * The filters of PIL's `Image.resize`. All but `nearest` average when an image is made smaller, so nothing flickers or vanishes.
 */
export type ResizeFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

type Averaging = Exclude<ResizeFilter, 'nearest'>;

// Support in source pixels at scale 1, and the weight at a distance from the centre.
const filters: Record<Averaging, { support: number; weight: (x: number) => number }> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** The names of the filters. */
export const resizeFilters = ['nearest', ...Object.keys(filters)] as readonly ResizeFilter[];

// Weights are integers of 22 fractional bits, as in PIL: sums of 8-bit pixels stay below 2³¹.
const precision = 22;

/**
 * An image in another size, as PIL's `Image.resize((width, height), filter)` makes it.
 *
 * Rows first, then columns, each rounded and clipped to 8 bits; columns first if the height loses more than twice as many pixels as
 * the width, as in Pillow 13. The filter is widened by the factor of reduction. Equal to the bit.
 *
 * @param size.width, size.height  1 … 16384; proportions need not be kept
 * @param filter  default bilinear
 * Source: Pillow 13.0.0, src/libImaging/Resample.c.
 */
export function resizeImage(
  image: RgbImage,
  size: { width: number; height: number },
  filter: ResizeFilter = 'bilinear',
): RgbImage {
  const { width, height } = (size as Partial<typeof size> | null | undefined) ?? {};
  assertInteger('width', width, { min: 1, max: 16384 });
  assertInteger('height', height, { min: 1, max: 16384 });
  assertImage('image', image, { anyChannels: true });
  assertOneOf('filter', filter, resizeFilters);
  if (filter === 'nearest') return pickPixels(image, width, height);
  const rows = (from: RgbImage) => (width === from.width ? from : resizeRows(from, width, filter));
  const columns = (from: RgbImage) =>
    height === from.height ? from : resizeColumns(from, height, filter);
  const lost = image.height - height;
  const columnsFirst = lost > 0 && lost > 2 * (image.width - width);
  return columnsFirst ? rows(columns(image)) : columns(rows(image));
}

// The source pixel below the centre of each target pixel. Positions are sums of steps, as in PIL.
function pickPixels(image: RgbImage, width: number, height: number): RgbImage {
  const { channels, data } = image;
  const out = makeImage(width, height, channels, new Uint8Array(width * height * channels));
  const columns = positions(image.width, width);
  const rows = positions(image.height, height);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * image.width + column) * channels;
      for (let c = 0; c < channels; c += 1, at += 1) out.data[at] = data[from + c]!;
    }
  }
  return out;
}

function positions(from: number, to: number): Uint32Array {
  const step = from / to;
  const out = new Uint32Array(to);
  for (let i = 0, at = step * 0.5; i < to; i += 1, at += step) {
    out[i] = Math.min(from - 1, Math.trunc(at));
  }
  return out;
}

/** Where the weights of one target pixel start in the source, and the weights. */
interface Window {
  first: number;
  weights: Int32Array;
}

function windows(from: number, to: number, filter: Averaging): Window[] {
  const { support, weight } = filters[filter];
  const scale = from / to;
  const stretch = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + support * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (__, x) =>
      weight((x + first - centre + 0.5) * (1 / stretch)),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    const weights = Int32Array.from(raw, (value) => {
      const fixed = (sum === 0 ? value : value / sum) * 2 ** precision;
      return Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    return { first, weights };
  });
}

function resizeRows(image: RgbImage, width: number, filter: Averaging): RgbImage {
  const { height, channels, data } = image;
  const out = makeImage(width, height, channels, new Uint8Array(width * height * channels));
  const plan = windows(image.width, width, filter);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (const { first, weights } of plan) {
      const from = (y * image.width + first) * channels;
      for (let c = 0; c < channels; c += 1, at += 1) {
        out.data[at] = weighted(data, from + c, channels, weights);
      }
    }
  }
  return out;
}

function resizeColumns(image: RgbImage, height: number, filter: Averaging): RgbImage {
  const { width, channels, data } = image;
  const out = makeImage(width, height, channels, new Uint8Array(width * height * channels));
  const stride = width * channels;
  let at = 0;
  for (const { first, weights } of windows(image.height, height, filter)) {
    for (let i = 0; i < stride; i += 1, at += 1) {
      out.data[at] = weighted(data, first * stride + i, stride, weights);
    }
  }
  return out;
}

function weighted(data: Uint8Array, from: number, step: number, weights: Int32Array): number {
  let sum = 1 << (precision - 1);
  for (let k = 0, at = from; k < weights.length; k += 1, at += step) sum += weights[k]! * data[at]!;
  return Math.min(255, Math.max(0, sum >> precision));
}

function hamming(x: number): number {
  const size = Math.abs(x);
  if (size === 0) return 1;
  if (size >= 1) return 0;
  const angle = size * Math.PI;
  return (Math.sin(angle) / angle) * (0.54 + 0.46 * Math.cos(angle));
}

// a = −0.5, Keys 1981.
function cubic(x: number): number {
  const size = Math.abs(x);
  if (size < 1) return (1.5 * size - 2.5) * size * size + 1;
  if (size < 2) return ((-0.5 * size + 2.5) * size - 4) * size + 2;
  return 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
