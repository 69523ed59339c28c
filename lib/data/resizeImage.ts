// Resizing as Pillow does it.

import { assertInteger, assertOneOf } from '../core/check.ts';
import { assertImage, makeImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';
import {
  resampleColumns,
  resamplePlan,
  resampleRows,
  type FilterShape,
} from './pixels/resample.ts';

/**
 * The filters of PIL's `Image.resize`. All but `nearest` average when an image is made smaller, so nothing flickers or vanishes.
 */
export type ResizeFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

type Averaging = Exclude<ResizeFilter, 'nearest'>;

// Support in source pixels at scale 1, and the weight at a distance from the centre.
const filters: Record<Averaging, FilterShape> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** The names of the filters. */
export const resizeFilters = ['nearest', ...Object.keys(filters)] as readonly ResizeFilter[];

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

function resizeRows(image: RgbImage, width: number, filter: Averaging): RgbImage {
  const { height, channels, data } = image;
  const plan = resamplePlan(image.width, width, filters[filter]);
  const sizes = { height, width: image.width, channels };
  return makeImage(width, height, channels, resampleRows(data, sizes, plan));
}

function resizeColumns(image: RgbImage, height: number, filter: Averaging): RgbImage {
  const { width, channels, data } = image;
  const plan = resamplePlan(image.height, height, filters[filter]);
  const sizes = { height: image.height, stride: width * channels };
  return makeImage(width, height, channels, resampleColumns(data, sizes, plan));
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
