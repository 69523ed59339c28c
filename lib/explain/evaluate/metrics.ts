// Measures of explanations: agreement of two maps, areas under curves, infidelity, sensitivity.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger, assertNumber, assertTensor } from '../../core/check.ts';
import { assertFields, assertKind } from '../../core/kinds.ts';
import { ShapeError, expected } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { Grid } from '../../figures/grid.ts';
import * as t from '../../ops/tensor.ts';

/** The score of each image of a batch [B, H, W, C]: the logit or the probability of one class. */
export type ImageScore = (images: tf.Tensor4D) => Promise<ArrayLike<number>>;

/**
 * Spearman's rank correlation of two lists, −1 … 1; equal values share the mean of their ranks, and a constant list has 0 with any.
 */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assertSameLength(a, b);
  return correlation(ranks(a), ranks(b));
}

/**
 * The part of a reference that a map does not explain: min over c ≥ 0 of ‖reference − c·map‖ / ‖reference‖, 0 … 1.
 *
 * Maps have no unit of their own, so the best scale is chosen for each.
 */
export function unexplained(map: ArrayLike<number>, reference: ArrayLike<number>): number {
  assertSameLength(map, reference);
  let [dot, size, whole] = [0, 0, 0];
  for (let i = 0; i < map.length; i += 1) {
    dot += map[i]! * reference[i]!;
    size += map[i]! ** 2;
    whole += reference[i]! ** 2;
  }
  if (whole === 0) return 0;
  if (size === 0 || dot <= 0) return 1;
  return Math.sqrt(Math.max(0, 1 - dot ** 2 / (size * whole)));
}

/** Throws unless a value is a map of patches. */
export function assertMap(map: Grid): void {
  assertFields('the map', map, { height: 'count', width: 'count', data: 'array' });
  if (map.data.length === map.height * map.width) return;
  const size = `${map.height * map.width} values`;
  throw new ShapeError(expected(size, 'data of the map', map.data.length));
}

/** The area under points (x, y) by the trapezoid rule, divided by the range of x. */
export function areaUnder(x: readonly number[], y: readonly number[]): number {
  assertSameLength(x, y);
  let area = 0;
  for (let i = 1; i < x.length; i += 1) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  const range = x.at(-1)! - x[0]!;
  return range === 0 ? y[0]! : area / range;
}

/** The patches from the most to the least important; of equal ones the first comes first. */
export function importanceOrder(map: ArrayLike<number>): number[] {
  return Array.from({ length: map.length }, (_, i) => i).sort((a, b) => map[b]! - map[a]! || a - b);
}

/**
 * Infidelity: the mean of (Σ_p φ_p·m_p − (f(x) − f(x without m)))², over random sets m of patches that are set to a baseline.
 *
 * φ is scaled by the least squares of those differences first where `scale` is true, since not every method has the unit of the score.
 *
 * @param image  [1, H, W, C]
 * @returns the mean square, divided by the mean square of the differences where that is not 0: 0 is perfect, 1 is as good as φ = 0
 *
 * Source: Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations", with square removal.
 */
export async function infidelity(
  map: Grid,
  image: tf.Tensor4D,
  score: ImageScore,
  options: { samples?: number; baseline?: number; seed?: number; scale?: boolean } = {},
): Promise<number> {
  assertMap(map);
  assertTensor('image', image);
  assertKind('score', score, 'function');
  assertKind('the options of infidelity', options, 'object');
  const { samples = 64, baseline = 0, seed = 0, scale = true } = options;
  assertInteger('samples', samples, { min: 2, max: 65_536 });
  assertNumber('baseline', baseline);
  const patches = map.height * map.width;
  const rng = new Rng(seed).split('infidelity');
  const sets = Array.from({ length: samples }, (_, n) => {
    const own = rng.split(n);
    const count = 1 + Math.floor((own.uint32() / 2 ** 32) * patches);
    return own.permutation(patches).slice(0, count);
  });
  const images = t.tidy(() =>
    t.concat([image, ...sets.map((set) => withoutPatches(image, map, [...set], baseline))]),
  );
  const values = await score(images);
  images.dispose();
  const falls = sets.map((_, n) => values[0]! - values[n + 1]!);
  const sums = sets.map((set) => [...set].reduce((sum, p) => sum + map.data[p]!, 0));
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const size = dot(sums, sums);
  const factor = scale && size > 0 ? dot(sums, falls) / size : 1;
  const whole = dot(falls, falls);
  const off = falls.reduce((sum, fall, n) => sum + (factor * sums[n]! - fall) ** 2, 0);
  return whole === 0 ? off / samples : off / whole;
}

/**
 * Sensitivity: the largest ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖ over random δ, uniform in ± radius for each pixel.
 *
 * @param explain  the map of an image [1, H, W, C]
 *
 * Source: Yeh et al. 2019, SENS_MAX.
 */
export async function sensitivity(
  explain: (image: tf.Tensor4D) => Promise<ArrayLike<number>>,
  image: tf.Tensor4D,
  options: { radius?: number; samples?: number; seed?: number } = {},
): Promise<number> {
  assertKind('explain', explain, 'function');
  assertTensor('image', image);
  assertKind('the options of sensitivity', options, 'object');
  const { radius = 0.02, samples = 10, seed = 0 } = options;
  assertNumber('radius', radius, { min: 0 });
  assertInteger('samples', samples, { min: 1, max: 65_536 });
  const whole = await explain(image);
  const norm = Math.sqrt(Array.from(whole).reduce((sum, value) => sum + value ** 2, 0));
  let largest = 0;
  for (let n = 0; n < samples; n += 1) {
    const rng = new Rng(seed).split('sensitivity', n);
    const shift = Float32Array.from(
      { length: image.size },
      () => radius * (2 * (rng.uint32() / 2 ** 32) - 1),
    );
    const moved = t.tidy(() => t.add<tf.Tensor4D>(image, t.tensor(shift, image.shape)));
    const other = await explain(moved);
    moved.dispose();
    let sum = 0;
    for (let i = 0; i < whole.length; i += 1) sum += (other[i]! - whole[i]!) ** 2;
    largest = Math.max(largest, Math.sqrt(sum));
  }
  return norm === 0 ? (largest === 0 ? 0 : Infinity) : largest / norm;
}

/** An image with some patches of a grid set to a value, [1, H, W, C]. */
export function withoutPatches(
  image: tf.Tensor4D,
  { height: rows, width: columns }: Pick<Grid, 'height' | 'width'>,
  patches: readonly number[],
  baseline: number,
): tf.Tensor4D {
  const [, height, width] = image.shape;
  const kept = new Float32Array(height * width).fill(1);
  const [patchHeight, patchWidth] = [height / rows, width / columns];
  for (const patch of patches) {
    const [row, column] = [Math.floor(patch / columns), patch % columns];
    for (let y = row * patchHeight; y < (row + 1) * patchHeight; y += 1) {
      kept.fill(0, y * width + column * patchWidth, y * width + (column + 1) * patchWidth);
    }
  }
  return t.tidy(() => {
    const mask = t.tensor4d(kept, [1, height, width, 1]);
    return t.add<tf.Tensor4D>(t.mul(t.sub(image, baseline), mask), baseline);
  });
}

function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[a]! - values[b]!,
  );
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to += 1;
    for (let i = from; i <= to; i += 1) result[order[i]!] = (from + to) / 2;
    from = to + 1;
  }
  return result;
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (x: Float64Array) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    ab += (a[i]! - ma) * (b[i]! - mb);
    aa += (a[i]! - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

function assertSameLength(a: ArrayLike<number>, b: ArrayLike<number>): void {
  assertKind('the first list', a, 'array');
  assertKind('the second list', b, 'array');
  if (a.length === b.length && a.length > 0) return;
  throw new ShapeError(expected(`${a.length} values`, 'the second list', b.length));
}
