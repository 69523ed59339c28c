// Elastic distortion of an image, random and smooth.

import { parseOptions } from '../core/option.ts';
import type { RgbImage } from '../core/image.ts';
import type { Rng } from '../core/rng.ts';
import { resampleImage } from './resampleImage.ts';
import { randomElasticOptions } from './transformOptions.ts';
import type { RandomElasticOptions } from './transformOptionTypes.ts';
import { withOrigin, type Transform } from './transform.ts';

/**
 * Random elastic distortion: displacements are drawn at a coarse grid of control points, cubic B-splines interpolate between them,
 * and pixels are interpolated bilinearly.
 *
 * Sources: Simard, Steinkraus and Platt 2003 (elastic distortions of digits); Rueckert et al. 1999 (the spline); Choi and Lee
 * 2000 (the bound 0.48).
 *
 * @throws InputError for a value outside of its range
 * @example randomElastic({strength: 0.3})
 */
export function randomElastic(options: RandomElasticOptions): Transform {
  const { strength, cells, fill } = parseOptions<Required<RandomElasticOptions>>(
    randomElasticOptions,
    options,
    { what: 'an option of randomElastic' },
  );
  const points = (cells + 3) ** 2;
  return withOrigin('randomElastic', options, (image, rng, note) => {
    const { width, height } = image;
    const [moveX, moveY] = [(strength * width) / cells, (strength * height) / cells];
    const grid = { x: draws(points, moveX, rng), y: draws(points, moveY, rng) };
    note?.('randomElastic', { points: 2 * points, most: largest(grid) });
    return warpElastic(image, grid, fill);
  });
}

/** Displacements of (cells + 3)² control points in pixels, row by row; the first lies one spacing outside of the image. */
export interface ControlPoints {
  x: Float64Array;
  y: Float64Array;
}

/**
 * The image seen through a field of displacements: pixel (x, y) shows the input at (x, y) + Σ_r Σ_c B_r(y) · B_c(x) · point[r, c],
 * with B the uniform cubic B-splines.
 */
export function warpElastic(image: RgbImage, points: ControlPoints, fill = 0): RgbImage {
  const { width, height } = image;
  const side = Math.round(Math.sqrt(points.x.length));
  const [columns, rows] = [weightsOf(width, side - 3), weightsOf(height, side - 3)];
  const xs = fieldOf(points.x, side, columns, rows);
  const ys = fieldOf(points.y, side, columns, rows);
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      xs[i]! += x;
      ys[i]! += y;
    }
  }
  return resampleImage(image, xs, ys, fill);
}

// The largest displacement in pixels.
function largest({ x, y }: ControlPoints): number {
  return [...x, ...y].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function draws(count: number, range: number, rng: Rng): Float64Array {
  return Float64Array.from({ length: count }, () => rng.uniform(-range, range));
}

/** For each pixel of a line the first of its four control points, and their weights. */
interface SplineWeights {
  first: Int32Array;
  weights: Float64Array;
}

const weightCache = new Map<string, SplineWeights>();

// The weights depend on the two sizes alone, and a program uses few of them.
function weightsOf(size: number, cells: number): SplineWeights {
  const key = `${size}/${cells}`;
  const known = weightCache.get(key);
  if (known !== undefined) return known;
  const first = new Int32Array(size);
  const weights = new Float64Array(4 * size);
  for (let i = 0; i < size; i += 1) {
    const place = ((i + 0.5) * cells) / size;
    const cell = Math.min(Math.floor(place), cells - 1);
    const t = place - cell;
    first[i] = cell;
    weights[4 * i] = (1 - t) ** 3 / 6;
    weights[4 * i + 1] = (3 * t ** 3 - 6 * t ** 2 + 4) / 6;
    weights[4 * i + 2] = (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6;
    weights[4 * i + 3] = t ** 3 / 6;
  }
  const made = { first, weights };
  weightCache.set(key, made);
  return made;
}

// First along the rows of control points, then down the columns.
function fieldOf(
  points: Float64Array,
  side: number,
  columns: SplineWeights,
  rows: SplineWeights,
): Float64Array {
  const [width, height] = [columns.first.length, rows.first.length];
  const lines = new Float64Array(side * width);
  for (let row = 0; row < side; row += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = row * side + columns.first[x]!;
      lines[row * width + x] = weighted(points, from, 1, columns.weights, 4 * x);
    }
  }
  const field = new Float64Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = rows.first[y]! * width + x;
      field[y * width + x] = weighted(lines, from, width, rows.weights, 4 * y);
    }
  }
  return field;
}

// Σ_k weights[at + k] · values[from + k·step] over the four points that a spline reaches.
function weighted(
  values: Float64Array,
  from: number,
  step: number,
  weights: Float64Array,
  at: number,
): number {
  return (
    weights[at]! * values[from]! +
    weights[at + 1]! * values[from + step]! +
    weights[at + 2]! * values[from + 2 * step]! +
    weights[at + 3]! * values[from + 3 * step]!
  );
}
