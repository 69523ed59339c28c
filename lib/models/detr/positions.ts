// The places of a feature map that an image covers, and their sine position embedding.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';

/**
 * A mask of images on the grid of a feature map, by its nearest pixels: [B, H, W] → [B, h, w].
 *
 * Place i takes pixel ⌊i·H/h⌋, as torch's nearest interpolation does.
 */
export function maskOnGrid(
  mask: tf.Tensor3D,
  [height, width]: readonly [number, number],
): tf.Tensor3D {
  const [, rows, columns] = mask.shape;
  const nearest = (size: number, from: number) =>
    t.tensor1d(
      Int32Array.from({ length: size }, (_, i) => Math.floor((i * from) / size)),
      'int32',
    );
  return t.tidy(() => {
    const some = t.gather(mask, nearest(height, rows), 1);
    return t.gather(some, nearest(width, columns), 2);
  });
}

/**
 * The sine position embedding of the places that a mask covers: [B, h, w] of 0 and 1 → [B, h·w, C].
 *
 * Rows and columns are counted within the mask from 1 and scaled to (0, 2π], so the embedding of an image does not depend on its padding.
 * The first C/2 channels are of the row, the others of the column: sin and cos in turn of position / 10000^(2⌊i/2⌋ / (C/2)).
 *
 * Source: Carion et al. 2020; facebookresearch/detr, `PositionEmbeddingSine` with `normalize`.
 */
export function sinePositions(mask: tf.Tensor3D, dim: number): tf.Tensor3D {
  const [batch, height, width] = mask.shape;
  return t.tidy(() => {
    const rows = fractions(mask, 1, height);
    const columns = fractions(mask, 2, width);
    const waves = t.concat([wavesOf(rows, dim / 2), wavesOf(columns, dim / 2)], 3);
    return t.reshape<tf.Rank.R3>(waves, [batch, height * width, dim]);
  });
}

// Places along an axis as shares of the last one within the mask, times 2π.
function fractions(mask: tf.Tensor3D, axis: 1 | 2, size: number): tf.Tensor3D {
  const counts = t.cumsum<tf.Tensor3D>(mask, axis);
  const begin = [0, 0, 0];
  begin[axis] = size - 1;
  const extent = [-1, -1, -1];
  extent[axis] = 1;
  const last = t.add(t.slice(counts, begin, extent), 1e-6);
  return t.mul(t.div(counts, last), 2 * Math.PI);
}

// [B, h, w] → [B, h, w, n]: sin and cos in turn.
function wavesOf(position: tf.Tensor3D, channels: number): tf.Tensor4D {
  const [batch, height, width] = position.shape;
  const half = channels / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => 10000 ** ((2 * i) / channels));
  const angles = t.div(t.reshape(position, [batch, height, width, 1]), t.tensor1d(frequencies));
  const pairs = t.stack([t.sin(angles), t.cos(angles)], 4);
  return t.reshape(pairs, [batch, height, width, channels]);
}
