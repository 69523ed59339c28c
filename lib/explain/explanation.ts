// The result of every method that explains a class: a map for each image, on the grid of patches of that image.

import type * as tf from '@tensorflow/tfjs';
import type { Interceptor } from '../core/intercept.ts';
import type { Precision } from '../core/precision.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';
import type { Grid } from '../figures/grid.ts';
import type { TargetOptions } from './target.ts';

/**
 * The options that every method has.
 *
 * @property precision  of the products; default fp32
 * @property intercept  another interceptor of the passes, which stands inside the method's own: it may change the model that is explained
 */
export interface ExplainOptions extends TargetOptions {
  precision?: Precision;
  intercept?: Interceptor | undefined;
}

/**
 * An explanation of a batch.
 *
 * @property maps     one an image, a value for each patch: larger is more important for the class. Negative values speak against it
 *                    where a method knows a sign
 * @property targets  the class that each map explains
 * @property logits   of each image, [K]
 * @property layout   the places of the patches among the tokens
 */
export interface Explanation {
  maps: Grid<Float32Array>[];
  targets: number[];
  logits: Float32Array[];
  layout: TokenLayout;
}

/** The rows of a [B, N] tensor of values per token as maps over the patches. It is disposed. */
export async function patchMaps(
  tokens: tf.Tensor,
  { numPrefixTokens, gridSize: [height, width] }: TokenLayout,
): Promise<Grid<Float32Array>[]> {
  const [batch = 0, count = 0] = tokens.shape;
  const values = (await tokens.data()) as Float32Array;
  tokens.dispose();
  return Array.from({ length: batch }, (_, b) => {
    const from = b * count + numPrefixTokens;
    return { height, width, data: values.slice(from, from + height * width) };
  });
}

/** The rows of logits [B, K]. */
export function logitRows(logits: Float32Array, batch: number): Float32Array[] {
  const classes = logits.length / batch;
  return Array.from({ length: batch }, (_, b) => logits.slice(b * classes, (b + 1) * classes));
}

/** Values of pixels, [B, H, W, C], summed over each patch of the grid: [B, P] as maps. It is disposed. */
export async function pixelMaps(
  pixels: tf.Tensor,
  { gridSize: [rows, columns] }: TokenLayout,
): Promise<Grid<Float32Array>[]> {
  const [batch = 0, height = 0, width = 0, channels = 0] = pixels.shape;
  const values = (await pixels.data()) as Float32Array;
  pixels.dispose();
  const [patchHeight, patchWidth] = [height / rows, width / columns];
  let at = 0;
  return Array.from({ length: batch }, () => {
    const sums = new Float64Array(rows * columns);
    for (let y = 0; y < height; y += 1) {
      const row = Math.floor(y / patchHeight) * columns;
      for (let x = 0; x < width; x += 1) {
        const cell = row + Math.floor(x / patchWidth);
        for (let c = 0; c < channels; c += 1, at += 1) sums[cell] = sums[cell]! + values[at]!;
      }
    }
    return { height: rows, width: columns, data: Float32Array.from(sums) };
  });
}
