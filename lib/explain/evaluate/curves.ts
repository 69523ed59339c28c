// Curves of a score while patches are taken away or put back in the order of a map.

import type * as tf from '@tensorflow/tfjs';
import {
  assertInteger,
  assertNumber,
  assertOneOf,
  assertRank,
  assertTensor,
} from '../../core/check.ts';
import { assertFields, assertKind, assertListOf } from '../../core/kinds.ts';
import { Rng } from '../../core/rng.ts';
import type { Grid } from '../../figures/grid.ts';
import * as t from '../../ops/tensor.ts';
import {
  areaUnder,
  assertMap,
  importanceOrder,
  withoutPatches,
  type ImageScore,
} from './metrics.ts';

/** A curve of scores over the share of the patches that was taken away (or put back), from 0 to 1, and the area under it. */
export interface PerturbationCurve {
  shares: number[];
  scores: number[];
  area: number;
}

/**
 * The options of `perturbationCurve`.
 *
 * @property order     most: the most important patches go first; least: the least important; default most
 * @property start     whole: patches are taken from the image (deletion, positive and negative perturbation); empty: put into an empty one,
 *                     the most important first (insertion); default whole
 * @property steps     points after the first, in equal shares rounded to whole patches; default one for each patch, at most 20
 * @property impute    baseline: patches become `baseline`; road: they are interpolated from what is left, with a little noise; default
 *                     baseline
 * @property baseline  a pixel value, normalised; default 0, the mean of the training images
 */
export interface CurveOptions {
  order?: 'most' | 'least';
  start?: 'whole' | 'empty';
  steps?: number;
  impute?: 'baseline' | 'road';
  baseline?: number;
  seed?: number;
}

/**
 * The score of an image while its patches are taken away in the order of a map; 0 % and 100 % are part of the curve.
 *
 * The first of equal patches goes first. Areas are by the trapezoid rule over shares from 0 to 1.
 *
 * Source: Petsiuk et al. 2018 (deletion, insertion); Chefer et al. 2021 (positive, negative perturbation); Rong et al. 2022 (ROAD).
 *
 * @param image  [1, H, W, C], normalised
 */
export async function perturbationCurve(
  map: Grid,
  image: tf.Tensor4D,
  score: ImageScore,
  options: CurveOptions = {},
): Promise<PerturbationCurve> {
  assertMap(map);
  assertTensor('image', image);
  assertKind('score', score, 'function');
  assertKind('the options of perturbationCurve', options, 'object');
  const patches = map.height * map.width;
  const { order = 'most', start = 'whole', impute = 'baseline', baseline = 0, seed = 0 } = options;
  const { steps = Math.min(20, patches) } = options;
  assertOneOf('order', order, ['most', 'least']);
  assertOneOf('start', start, ['whole', 'empty']);
  assertOneOf('impute', impute, ['baseline', 'road']);
  assertInteger('steps', steps, { min: 1, max: patches });
  assertNumber('baseline', baseline);
  const ranked = importanceOrder(map.data);
  const going = order === 'most' ? ranked : ranked.reverse();
  const counts = Array.from({ length: steps + 1 }, (_, i) => Math.round((i * patches) / steps));
  const images: tf.Tensor4D[] = counts.map((count) => {
    const gone = start === 'whole' ? going.slice(0, count) : going.slice(count);
    return impute === 'baseline'
      ? withoutPatches(image, map, gone, baseline)
      : imputed(image, map, gone, { baseline, seed });
  });
  const batch = t.tidy(() => t.concat(images));
  t.dispose(images);
  const scores = Array.from(await score(batch));
  batch.dispose();
  const shares = counts.map((count) => count / patches);
  return { shares, scores, area: areaUnder(shares, scores) };
}

/** Standard deviation of the noise that ROAD adds to imputed pixels. */
const roadNoise = 0.01;

/**
 * An image whose missing patches are interpolated: each pixel is the weighted mean of its eight neighbours, 1/6 for those beside and 1/12
 * for those across corners, solved for all missing pixels together, plus noise of 0.01.
 *
 * Where everything is missing, pixels have the baseline. Source: Rong et al. 2022, section 4.
 */
export function imputed(
  image: tf.Tensor4D,
  grid: Pick<Grid, 'height' | 'width'>,
  patches: readonly number[],
  options: { baseline?: number; seed?: number; rounds?: number } = {},
): tf.Tensor4D {
  assertTensor('image', image);
  assertRank('image', image, 4);
  assertFields('the grid', grid, { height: 'count', width: 'count' });
  assertListOf('patches', patches, 'integer');
  assertFields('the options of imputed', options, { baseline: 'number?', rounds: 'count?' });
  const { height: rows, width: columns } = grid;
  const { baseline = 0, seed = 0, rounds = 400 } = options;
  const [, height, width, channels] = image.shape;
  const missing = new Uint8Array(height * width);
  const [patchHeight, patchWidth] = [height / rows, width / columns];
  for (const patch of patches) {
    const [row, column] = [Math.floor(patch / columns), patch % columns];
    for (let y = row * patchHeight; y < (row + 1) * patchHeight; y += 1) {
      missing.fill(1, y * width + column * patchWidth, y * width + (column + 1) * patchWidth);
    }
  }
  const values = Float64Array.from(image.dataSync());
  const unknown = Array.from(missing.keys()).filter((pixel) => missing[pixel] === 1);
  for (const pixel of unknown) values.fill(baseline, pixel * channels, (pixel + 1) * channels);
  if (unknown.length < height * width) {
    relax(values, unknown, { height, width, channels, rounds });
  }
  const rng = new Rng(seed).split('road');
  for (const pixel of unknown) {
    for (let c = 0; c < channels; c += 1) {
      values[pixel * channels + c] = values[pixel * channels + c]! + roadNoise * rng.normal();
    }
  }
  return t.tensor4d(Float32Array.from(values), [1, height, width, channels]);
}

// Gauss-Seidel with over-relaxation, until no value moves by more than a thousandth of the noise.
function relax(
  values: Float64Array,
  unknown: readonly number[],
  about: { height: number; width: number; channels: number; rounds: number },
): void {
  const { height, width, channels, rounds } = about;
  const places = new Int32Array(8 * unknown.length);
  const weights = new Float64Array(8 * unknown.length);
  unknown.forEach((pixel, i) => {
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    let sum = 0;
    for (let n = 0; n < 9; n += 1) {
      if (n === 4) continue;
      const [ny, nx] = [y + Math.floor(n / 3) - 1, x + (n % 3) - 1];
      if (ny < 0 || nx < 0 || ny >= height || nx >= width) continue;
      const at = 8 * i + (n < 4 ? n : n - 1);
      places[at] = (ny * width + nx) * channels;
      weights[at] = n % 2 === 1 ? 1 / 6 : 1 / 12;
      sum += weights[at];
    }
    for (let at = 8 * i; at < 8 * i + 8; at += 1) weights[at] = weights[at]! / sum;
  });
  for (let round = 0; round < rounds; round += 1) {
    let moved = 0;
    for (let i = 0; i < unknown.length; i += 1) {
      const own = unknown[i]! * channels;
      for (let c = 0; c < channels; c += 1) {
        let mean = 0;
        for (let at = 8 * i; at < 8 * i + 8; at += 1)
          mean += weights[at]! * values[places[at]! + c]!;
        const change = 1.6 * (mean - values[own + c]!);
        values[own + c] = values[own + c]! + change;
        if (change > moved) moved = change;
        else if (-change > moved) moved = -change;
      }
    }
    if (moved < 1e-3 * roadNoise) return;
  }
}

/** Whether the most important patch of a map lies in a box, in pixels of the image: the pointing game. */
export function pointsInto(
  map: Grid,
  box: { left: number; top: number; right: number; bottom: number },
  size: { height: number; width: number },
): boolean {
  assertMap(map);
  const edges = { left: 'number', top: 'number', right: 'number', bottom: 'number' } as const;
  assertFields('the box', box, edges);
  assertFields('the size', size, { height: 'count', width: 'count' });
  const best = importanceOrder(map.data)[0]!;
  const x = (((best % map.width) + 0.5) * size.width) / map.width;
  const y = ((Math.floor(best / map.width) + 0.5) * size.height) / map.height;
  return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}
