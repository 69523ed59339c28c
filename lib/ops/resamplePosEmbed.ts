// Resampling of position embeddings to another grid of patches.

import { assertFields } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertOneOf, assertShape } from '../core/check.ts';
import { resampleMatrix, type ResampleMethod } from './resampleMatrix.ts';

/**
 * Options of `resamplePosEmbed`.
 *
 * @property from       grid [h, w] that the embedding was made for
 * @property to         grid [h', w'] that is wanted
 * @property method     default 'bicubic'
 * @property antialias  true: the filter is stretched when shrinking; default true, as in timm
 */
export interface ResamplePosEmbedOptions {
  from: readonly [number, number];
  to: readonly [number, number];
  method?: ResampleMethod;
  antialias?: boolean;
}

/**
 * Resamples the patch part of a position embedding to another grid.
 *
 * out[y', x', :] = Σ_y Σ_x rows[y', y]·columns[x', x]·posEmbed[y, x, :], with the two matrices of `resampleMatrix`
 *
 * @param posEmbed  [1, P, C], P = h·w, row by row, without prefix tokens
 * @returns [1, P', C], P' = h'·w'; the same values if the grid stays
 * @throws ShapeError if P is not h·w; InputError for a size below 1 or an unknown method
 *
 * It is two matrix products, so it is differentiable in posEmbed. It equals torch's `interpolate(align_corners=False)` up to
 * float32 rounding.
 *
 * Source: timm's `resample_abs_pos_embed`.
 */
export function resamplePosEmbed(
  posEmbed: tf.Tensor3D,
  options: ResamplePosEmbedOptions,
): tf.Tensor3D {
  const kinds = { from: 'list', to: 'list', antialias: 'boolean?' } as const;
  assertFields('resamplePosEmbed', options, kinds);
  const { from, to, method = 'bicubic', antialias = true } = options;
  assertOneOf('method', method, ['bicubic', 'bilinear']);
  for (const size of [...from, ...to]) assertInteger('grid size', size, { min: 1 });
  assertShape('posEmbed', posEmbed, [1, from[0] * from[1], -1]);
  const [height, width] = from;
  const [newHeight, newWidth] = to;
  const channels = posEmbed.shape[2];
  return tf.tidy(() => {
    if (height === newHeight && width === newWidth) return tf.clone(posEmbed);
    const matrix = (inSize: number, outSize: number): tf.Tensor2D =>
      tf.tensor2d(resampleMatrix(inSize, outSize, { method, antialias }), [outSize, inSize]);
    const rows = tf.matMul(matrix(height, newHeight), tf.reshape(posEmbed, [height, -1]));
    const transposed = tf.transpose(tf.reshape(rows, [newHeight, width, channels]), [1, 0, 2]);
    const columns = tf.matMul(matrix(width, newWidth), tf.reshape(transposed, [width, -1]));
    const grid = tf.transpose(tf.reshape(columns, [newWidth, newHeight, channels]), [1, 0, 2]);
    return tf.reshape(grid, [1, newHeight * newWidth, channels]);
  });
}
