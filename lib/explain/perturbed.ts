// Explanations by changed images: SmoothGrad and occlusion.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger, assertNumber } from '../core/check.ts';
import { assertKind } from '../core/kinds.ts';
import { Rng } from '../core/rng.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { logitRows, pixelMaps, type ExplainOptions, type Explanation } from './explanation.ts';
import { inputGradient, passSize, predictTargets, targetLogits } from './inputGradients.ts';

/**
 * The options of `smoothGrad`.
 *
 * @property samples  noisy copies of each image; default 32
 * @property noise    standard deviation of the noise as a share of the range of the image's values; default 0.15
 * @property seed     of the noise, which is the same for each image of a batch; default 0
 */
export interface SmoothGradOptions extends ExplainOptions {
  samples?: number;
  noise?: number;
  seed?: number;
}

/**
 * SmoothGrad: the size of the gradient, averaged over noisy copies of the image.
 *
 * map_p = Σ over the pixels and channels of patch p of |mean over n of ∂logit(x + ε_n)/∂x|. It costs `samples` forward and backward
 * passes.
 *
 * Source: Smilkov et al. 2017.
 *
 * @example const { maps } = await smoothGrad(model, images, { samples: 50 });
 */
export async function smoothGrad(
  model: Model,
  images: tf.Tensor4D,
  options: SmoothGradOptions = {},
): Promise<Explanation> {
  assertKind('options of smoothGrad', options, 'object');
  const { samples = 32, noise = 0.15, seed = 0 } = options;
  assertInteger('samples', samples, { min: 1, max: 65_536 });
  assertNumber('noise', noise, { min: 0, max: 10 });
  const { logits, targets, layout } = await predictTargets(model, images, options);
  const [batch, height, width, channels] = images.shape;
  const size = height * width * channels;
  const part = Math.min(passSize, samples);
  const means = Array.from({ length: batch }, (_, b) =>
    t.tidy(() => {
      const image = t.slice(images, [b, 0, 0, 0], [1, height, width, channels]);
      const deviation = t.mul(noise, t.sub(t.max(image), t.min(image)));
      let sum: tf.Tensor = t.zeros([height, width, channels]);
      for (let from = 0; from < samples; from += part) {
        const count = Math.min(part, samples - from);
        const rng = new Rng(seed).split('smoothGrad').split(from);
        const draws = Float32Array.from({ length: count * size }, () => rng.normal());
        const shifts = t.tensor4d(draws, [count, height, width, channels]);
        const noisy = t.add<tf.Tensor4D>(image, t.mul(shifts, deviation));
        const same = Array.from({ length: count }, () => targets[b]!);
        sum = t.add(sum, t.sum(inputGradient(model, noisy, same, options), 0));
      }
      return t.abs(t.div(sum, samples));
    }),
  );
  const maps = await pixelMaps(
    t.tidy(() => t.stack(means)),
    layout,
  );
  t.dispose(means);
  return { maps, targets, logits: logitRows(logits, batch), layout };
}

/**
 * The options of `occlusion`.
 *
 * @property window    side of the covered square in patches; default 1
 * @property baseline  the pixel value, normalised, that covers; default 0, the mean of the training images
 */
export interface OcclusionOptions extends ExplainOptions {
  window?: number;
  baseline?: number;
}

/**
 * Occlusion: how far the logit falls when a patch is covered.
 *
 * map_p = logit(x) − mean over the windows that cover p of logit(x with the window at `baseline`). It costs a forward pass for each
 * window.
 *
 * Source: Zeiler and Fergus 2014.
 *
 * @example const { maps } = await occlusion(model, images, { window: 2 });
 */
export async function occlusion(
  model: Model,
  images: tf.Tensor4D,
  options: OcclusionOptions = {},
): Promise<Explanation> {
  assertKind('options of occlusion', options, 'object');
  const { window = 1, baseline = 0 } = options;
  assertNumber('baseline', baseline);
  const { logits, targets, layout } = await predictTargets(model, images, options);
  const [rows, columns] = layout.gridSize;
  assertInteger('window', window, { min: 1, max: Math.min(rows, columns) });
  const [batch, height, width, channels] = images.shape;
  const all = logitRows(logits, batch);
  const maps: Grid<Float32Array>[] = [];
  const places = Array.from({ length: (rows - window + 1) * (columns - window + 1) }, (_, i) => {
    const across = columns - window + 1;
    return [Math.floor(i / across), i % across] as const;
  });
  for (let b = 0; b < batch; b += 1) {
    const sums = new Float64Array(rows * columns);
    const counts = new Float64Array(rows * columns);
    for (let from = 0; from < places.length; from += passSize) {
      const part = places.slice(from, from + passSize);
      const covered = t.tidy(() => {
        const image = t.slice(images, [b, 0, 0, 0], [1, height, width, channels]);
        const mask = coverMask(part, { rows, columns, window, height, width });
        const kept = t.tensor4d(mask, [part.length, height, width, 1]);
        return t.add<tf.Tensor4D>(t.mul(t.sub(image, baseline), kept), baseline);
      });
      const values = await targetLogits(model, covered, targets[b]!, options);
      covered.dispose();
      part.forEach(([row, column], i) => {
        for (let r = row; r < row + window; r += 1) {
          for (let c = column; c < column + window; c += 1) {
            const cell = r * columns + c;
            sums[cell] = sums[cell]! + all[b]![targets[b]!]! - values[i]!;
            counts[cell] = counts[cell]! + 1;
          }
        }
      });
    }
    const data = Float32Array.from(sums, (sum, cell) => sum / counts[cell]!);
    maps.push({ height: rows, width: columns, data });
  }
  return { maps, targets, logits: all, layout };
}

// 0 in the window, 1 elsewhere, for each place.
function coverMask(
  places: readonly (readonly [row: number, column: number])[],
  about: { rows: number; columns: number; window: number; height: number; width: number },
): Float32Array {
  const { rows, columns, window, height, width } = about;
  const [patchHeight, patchWidth] = [height / rows, width / columns];
  const mask = new Float32Array(places.length * height * width).fill(1);
  places.forEach(([row, column], i) => {
    for (let y = row * patchHeight; y < (row + window) * patchHeight; y += 1) {
      const from = (i * height + y) * width + column * patchWidth;
      mask.fill(0, from, from + window * patchWidth);
    }
  });
  return mask;
}
