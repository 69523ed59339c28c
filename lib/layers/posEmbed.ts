// Learned position embeddings for another grid.

import { assertFields } from '../core/kinds.ts';
import { assertRank } from '../core/check.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { resamplePosEmbed } from '../ops/resamplePosEmbed.ts';

/** The kinds of position embedding. */
export type PosEmbedKind = 'learned' | 'sincos2d' | 'sincos1d' | 'none';

/**
 * A learned position embedding for another grid: the patch part resized bicubic with antialias, the prefix part as it is.
 *
 * Differentiable in the embedding. The same grid gives the same values.
 *
 * @param posEmbed  [1, prefix + P, C]
 * @param prefix    how many of its rows belong to prefix tokens
 * @returns [1, prefix + P', C]
 *
 * Source: timm/layers/pos_embed.py, `resample_abs_pos_embed`.
 */
export function posEmbedFor(
  posEmbed: tf.Tensor3D,
  grids: { prefix: number; from: readonly [number, number]; to: readonly [number, number] },
): tf.Tensor3D {
  assertRank('posEmbed', posEmbed, 3);
  assertFields('posEmbedFor', grids, { prefix: 'integer', from: 'list', to: 'list' });
  const { prefix, from, to } = grids;
  return t.tidy(() => {
    if (from[0] === to[0] && from[1] === to[1]) return t.clone(posEmbed);
    const [, rows, dim] = posEmbed.shape;
    const patches = t.slice(posEmbed, [0, prefix, 0], [1, rows - prefix, dim]);
    const resized = resamplePosEmbed(patches, { from, to, method: 'bicubic', antialias: true });
    if (prefix === 0) return resized;
    return t.concat([t.slice(posEmbed, [0, 0, 0], [1, prefix, dim]), resized], 1);
  });
}
