// Relevance of patches for a class by gradients and attention: the default explanation, and its combination of layers.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger } from '../core/check.ts';
import { assertKind } from '../core/kinds.ts';
import type { Model } from '../models/model.ts';
import { matMul } from '../ops/matMul.ts';
import * as t from '../ops/tensor.ts';
import { readTokens, withAttention } from './attentionPass.ts';
import { logitRows, patchMaps, type ExplainOptions, type Explanation } from './explanation.ts';

/** The options of `relevance`; `startLayer` is the first block that counts, from 0, negative from the end; default 0. */
export interface RelevanceOptions extends ExplainOptions {
  startLayer?: number;
}

/**
 * The relevance of each patch for a class, by gradients and attention.
 *
 * For each block Ā = mean over heads of max(0, ∂logit/∂A ⊙ A); R = I, and R ← R + Ā·R from `startLayer` to the last block. The map is
 * the row of R of the token that the classifier reads: the class token, the mean of both tokens of a distilled model, or the mean over
 * the patches, less what R began with. It costs one forward and one backward pass, for the whole batch.
 *
 * @param images  [B, H, W, C], normalised
 * @returns maps ≥ 0; all zeros where nothing speaks for the class
 * @throws InputError if the model has no attention over patches, or a class, layer or image cannot be used
 *
 * Source: Chefer et al. 2021, "Generic attention-model explainability", ICCV, eq. 5 and 6.
 *
 * @example const { maps } = await relevance(model, images, { target: 7 });
 */
export async function relevance(
  model: Model,
  images: tf.Tensor4D,
  options: RelevanceOptions = {},
): Promise<Explanation> {
  assertKind('options of relevance', options, 'object');
  const { combined, layout, logits, targets } = await withAttention(
    model,
    images,
    { ...options, gradients: true },
    ({ attentions, gradients, layout: places }, known) => {
      const first = startOf(options.startLayer, attentions.length);
      const parts = attentions.map((a, i) => positiveMean(t.mul(a, gradients[i]!)));
      return rowOf(parts, first, readTokens(known, parts[0]!.shape[1], places));
    },
  );
  const maps = await patchMaps(combined, layout);
  return { maps, targets, logits: logitRows(logits, images.shape[0]), layout };
}

/** max(0, x) averaged over heads, [B, h, N, N] → [B, N, N]. */
export function positiveMean(x: tf.Tensor): tf.Tensor3D {
  return t.mean<tf.Tensor3D>(t.relu(x), 1);
}

/**
 * The rows `weights` of (I + Ā_L)·…·(I + Ā_first), less `weights`, without the whole matrix: [B, N].
 *
 * @param parts    one a block, [B, N, N]
 * @param weights  [1, 1, N]
 */
export function rowOf(
  parts: readonly tf.Tensor3D[],
  first: number,
  weights: tf.Tensor3D,
): tf.Tensor2D {
  const [batch, tokens] = parts[0]!.shape;
  const start = t.broadcastTo<tf.Rank.R3>(weights, [batch, 1, tokens]);
  let row = start;
  for (let i = parts.length - 1; i >= first; i -= 1) {
    row = t.add(row, matMul(row, parts[i]!));
  }
  return t.reshape(t.sub(row, start), [batch, tokens]);
}

/**
 * The whole (I + Ā_L)·…·(I + Ā_first), [B, N, N].
 *
 * @param parts  one a block, [B, N, N]
 */
export function accumulate(parts: readonly tf.Tensor3D[], first = 0): tf.Tensor3D {
  const [batch, tokens] = parts[0]!.shape;
  const identity = t.reshape<tf.Rank.R3>(t.eye(tokens), [1, tokens, tokens]);
  let joint = t.broadcastTo<tf.Rank.R3>(identity, [batch, tokens, tokens]);
  for (const part of parts.slice(first)) joint = t.add(joint, matMul(part, joint));
  return joint;
}

/** The first block that counts, from 0. @throws InputError if there is none of that number */
export function startOf(startLayer: number | undefined, layers: number): number {
  if (startLayer === undefined) return 0;
  assertInteger('startLayer', startLayer, { min: -layers, max: layers - 1 });
  return startLayer < 0 ? layers + startLayer : startLayer;
}
