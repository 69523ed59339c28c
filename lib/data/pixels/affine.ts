// Affine maps of an image as Pillow computes them.

import type { RgbImage } from '../../core/image.ts';
import { pixelKernels } from './pixelKernels.ts';
import { bicubicAt, bilinearAt } from './samplers.ts';

/** How a value between pixels is found. */
export type AffineFilter = 'nearest' | 'bilinear' | 'bicubic';

/** The map [a, b, c, d, e, f]: output (x, y) shows input (a·x + b·y + c, d·x + e·y + f), in pixels from the upper left corner. */
export type Matrix = readonly [number, number, number, number, number, number];

/**
 * How an image is mapped.
 *
 * @property filter  default nearest
 * @property fill    the colour outside of the image, a level for each channel; default black
 */
export interface AffineOptions {
  filter?: AffineFilter;
  fill?: readonly number[];
}

/**
 * PIL's `Image.transform(size, Image.AFFINE, matrix)`, to the bit: nearest in 16.16 fixed point, bilinear and bicubic in double
 * precision with the result truncated.
 */
export function affine(
  image: RgbImage,
  matrix: Matrix,
  { filter = 'nearest', fill = [0, 0, 0] }: AffineOptions = {},
): RgbImage {
  const out = filled(image, fill);
  if (filter === 'nearest') mapNearest(image, matrix, out);
  else mapSmooth(image, matrix, out, filter === 'bicubic');
  return { ...image, data: out };
}

/**
 * PIL's `Image.rotate(degrees)` about the centre, in the same size.
 *
 * @param degrees  counter clockwise
 */
export function rotate(image: RgbImage, degrees: number, options: AffineOptions = {}): RgbImage {
  const { width, height } = image;
  const angle = ((degrees % 360) + 360) % 360;
  if (angle === 0) return image;
  if (angle === 180) return turn(image, 2);
  if ((angle === 90 || angle === 270) && width === height) return turn(image, angle / 90);
  const radians = -((angle * Math.PI) / 180);
  const [cos, sin] = [round15(Math.cos(radians)), round15(Math.sin(radians))];
  const minusSin = round15(-Math.sin(radians));
  const [centreX, centreY] = [width / 2, height / 2];
  const c = cos * -centreX + sin * -centreY + centreX;
  const f = minusSin * -centreX + cos * -centreY + centreY;
  return affine(image, [cos, sin, c, minusSin, cos, f], options);
}

// PIL rounds the sine and the cosine to 15 decimals.
function round15(value: number): number {
  return Number(value.toFixed(15));
}

function filled({ channels, data }: RgbImage, fill: readonly number[]): Uint8Array {
  const out = new Uint8Array(data.length);
  if (fill.every((level) => level === 0)) return out;
  for (let i = 0; i < out.length; i += channels) {
    for (let c = 0; c < channels; c += 1) out[i + c] = fill[c]!;
  }
  return out;
}

// By a quarter of a circle, once, twice or three times, counter clockwise.
function turn(image: RgbImage, quarters: number): RgbImage {
  const { width, height, channels, data } = image;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const to =
        quarters === 2
          ? (height - 1 - y) * width + width - 1 - x
          : quarters === 1
            ? (width - 1 - x) * width + y
            : x * width + width - 1 - y;
      for (let c = 0; c < channels; c += 1) {
        out[to * channels + c] = data[(y * width + x) * channels + c]!;
      }
    }
  }
  return { ...image, data: out };
}

function mapNearest(image: RgbImage, matrix: Matrix, out: Uint8Array): void {
  const [a, b, c, d, e, f] = matrix;
  const { width, height } = image;
  if (b === 0 && d === 0) {
    // PIL adds up the steps of a plain scaling in double precision.
    const xs = coordinates(c + a * 0.5, a, width);
    const ys = coordinates(f + e * 0.5, e, height);
    copyPixels(
      image,
      out,
      (x) => xs[x]!,
      (_, y) => ys[y]!,
    );
    return;
  }
  const startX = c + a * 0.5 + b * 0.5;
  const startY = f + d * 0.5 + e * 0.5;
  const fits = [0, width].every((x) =>
    [0, height].every(
      (y) => Math.abs(x * a + y * b + c) < 32_768 && Math.abs(x * d + y * e + f) < 32_768,
    ),
  );
  if (!fits) {
    const xAt = (x: number, y: number) => coordinate(startX + y * b + x * a);
    const yAt = (x: number, y: number) => coordinate(startY + y * e + x * d);
    copyPixels(image, out, xAt, yAt);
    return;
  }
  const [a0, a1, a2] = [fixed(a), fixed(b), fixed(startX)];
  const [a3, a4, a5] = [fixed(d), fixed(e), fixed(startY)];
  const xAt = (x: number, y: number) => (a2 + y * a1 + x * a0) >> 16;
  const yAt = (x: number, y: number) => (a5 + y * a4 + x * a3) >> 16;
  copyPixels(image, out, xAt, yAt);
}

function copyPixels(
  { width, height, channels, data }: RgbImage,
  out: Uint8Array,
  xAt: (x: number, y: number) => number,
  yAt: (x: number, y: number) => number,
): void {
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, to += channels) {
      const [fromX, fromY] = [xAt(x, y), yAt(x, y)];
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      const from = (fromY * width + fromX) * channels;
      for (let c = 0; c < channels; c += 1) out[to + c] = data[from + c]!;
    }
  }
}

// 16.16 fixed point.
function fixed(value: number): number {
  return Math.floor(value * 65_536 + 0.5);
}

// The pixel that a position lies in; −1 left of or above the image.
function coordinate(position: number): number {
  return position < 0 ? -1 : Math.trunc(position);
}

function coordinates(start: number, step: number, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0, at = start; i < count; i += 1, at += step) out[i] = coordinate(at);
  return out;
}

function mapSmooth(image: RgbImage, matrix: Matrix, out: Uint8Array, bicubic: boolean): void {
  const { width, height, channels, data } = image;
  const fast = pixelKernels(channels);
  if (fast !== undefined) {
    fast.mapSmooth(data, { width, height, channels, bicubic, matrix }, out);
    return;
  }
  const sample = bicubic ? bicubicAt : bilinearAt;
  const [a, b, c, d, e, f] = matrix;
  for (let y = 0, to = 0; y < height; y += 1) {
    const yin = y + 0.5;
    for (let x = 0; x < width; x += 1, to += channels) {
      const xin = x + 0.5;
      sample(image, a * xin + b * yin + c, d * xin + e * yin + f, out, to);
    }
  }
}
