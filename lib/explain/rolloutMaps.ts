// Attention rollout and gradient rollout of a model, for a whole batch.

import type * as tf from '@tensorflow/tfjs';
import { assertNumber, assertOneOf } from '../core/check.ts';
import { assertKind } from '../core/kinds.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';
import { matMul } from '../ops/matMul.ts';
import * as t from '../ops/tensor.ts';
import { patchGrid } from './attentionMaps.ts';
import { readTokens, withAttention, type AttentionPass } from './attentionPass.ts';
import type { AttentionModel } from './attentionModel.ts';
import { logitRows, patchMaps, type ExplainOptions, type Explanation } from './explanation.ts';
import { startOf } from './relevance.ts';
import {
  attentionRollout,
  gradientRollout,
  type HeadFusion,
  type RolloutOptions,
} from './rollout.ts';

/** The options of `rolloutMaps`. A rollout knows no class: `target` only names the one that the result tells. */
export interface RolloutMapsOptions
  extends ExplainOptions, Pick<RolloutOptions, 'headFusion' | 'discardRatio' | 'startLayer'> {}

/**
 * Attention rollout of each image of a batch: `attentionRollout` at the token that the classifier reads.
 *
 * It costs a forward pass. The map has a share for each patch; what is missing to 1 went to the prefix tokens.
 *
 * @throws InputError if the model has no attention over patches, or a layer, ratio or image cannot be used
 *
 * @example const { maps } = await rolloutMaps(model, images, { headFusion: 'max', discardRatio: 0.9 });
 */
export function rolloutMaps(
  model: Model,
  images: tf.Tensor4D,
  options: RolloutMapsOptions = {},
): Promise<Explanation> {
  return rolled(model, images, options, false);
}

/**
 * Gradient rollout of each image of a batch: `gradientRollout` at the token that the classifier reads.
 *
 * It costs a forward and a backward pass.
 *
 * @throws InputError as `rolloutMaps`
 *
 * @example const { maps } = await gradRollout(model, images, { target: 'cat' });
 */
export function gradRollout(
  model: Model,
  images: tf.Tensor4D,
  options: Omit<RolloutMapsOptions, 'headFusion'> = {},
): Promise<Explanation> {
  return rolled(model, images, options, true);
}

async function rolled(
  model: Model,
  images: tf.Tensor4D,
  options: RolloutMapsOptions,
  gradients: boolean,
): Promise<Explanation> {
  assertKind('options of the rollout', options, 'object');
  const { headFusion = 'mean', discardRatio = 0 } = options;
  assertOneOf('headFusion', headFusion, ['mean', 'max', 'min']);
  assertNumber('discardRatio', discardRatio, { min: 0, max: 1 - Number.EPSILON });
  const kept: { pass?: AttentionPass } = {};
  const { combined, layout, logits, targets } = await withAttention(
    model,
    images,
    { ...options, gradients },
    (pass, known) => {
      const first = startOf(options.startLayer, pass.attentions.length);
      if (discardRatio === 0) return rows(pass, known, first, gradients ? 'grad' : headFusion);
      const keep = (layers: tf.Tensor4D[]) => layers.map((x) => t.keep(t.clone(x)));
      const { attentions, gradients: slopes } = pass;
      kept.pass = { ...pass, attentions: keep(attentions), gradients: keep(slopes) };
      return readTokens(known, attentions[0]!.shape[2], pass.layout);
    },
  );
  const rest = { targets, logits: logitRows(logits, images.shape[0]), layout };
  if (kept.pass === undefined) return { maps: await patchMaps(combined, layout), ...rest };
  const read = await combined.data();
  combined.dispose();
  return { maps: await discarding(kept.pass, [...read], options, gradients), ...rest };
}

// The read row of the product of ½ (F + I), rows divided by their sums, in tensors.
function rows(
  { attentions, gradients, layout }: AttentionPass,
  model: AttentionModel,
  first: number,
  fusion: HeadFusion | 'grad',
): tf.Tensor {
  const [batch, , tokens] = attentions[0]!.shape;
  const identity = t.reshape<tf.Rank.R3>(t.eye(tokens), [1, tokens, tokens]);
  const read = readTokens(model, tokens, layout);
  let row = t.broadcastTo<tf.Rank.R3>(read, [batch, 1, tokens]);
  for (let i = attentions.length - 1; i >= first; i -= 1) {
    const own = fused(attentions[i]!, fusion, gradients[i]);
    const mixed = t.add<tf.Tensor3D>(own, identity);
    // Dividing the row beforehand by the sums divides each row of the matrix.
    const sums = t.reshape<tf.Rank.R3>(t.sum(mixed, 2), [batch, 1, tokens]);
    row = matMul(t.div<tf.Tensor3D>(row, sums), mixed);
  }
  return t.reshape(row, [batch, tokens]);
}

function fused(a: tf.Tensor4D, fusion: HeadFusion | 'grad', gradient?: tf.Tensor4D): tf.Tensor {
  switch (fusion) {
    case 'mean':
      return t.mean(a, 1);
    case 'max':
      return t.max(a, 1);
    case 'min':
      return t.min(a, 1);
    case 'grad':
      return t.relu(t.mean(t.mul(a, gradient!), 1));
  }
}

// Discarding sorts each matrix, which is done on plain numbers, image by image.
async function discarding(
  { attentions, gradients, layout }: AttentionPass,
  read: readonly number[],
  { headFusion, discardRatio, startLayer }: RolloutMapsOptions,
  graded: boolean,
): Promise<Grid<Float32Array>[]> {
  const plain = (layers: tf.Tensor4D[]) =>
    Promise.all(
      layers.map(async (x) => ({ shape: x.shape, data: (await x.data()) as Float32Array, layout })),
    );
  try {
    const [a, g] = [await plain(attentions), await plain(gradients)];
    const queries = read.flatMap((weight, token) => (weight > 0 ? [token] : []));
    const shared = {
      queries,
      discardRatio: discardRatio!,
      startLayer: startOf(startLayer, a.length),
    };
    return Array.from({ length: attentions[0]!.shape[0] }, (_, batchIndex) => {
      const options = { ...shared, batchIndex };
      const rolledRows = graded
        ? gradientRollout(a, g, options)
        : attentionRollout(a, { ...options, headFusion: headFusion ?? 'mean' });
      const { height, width, data } = patchGrid(rolledRows, layout);
      return { height, width, data: Float32Array.from(data) };
    });
  } finally {
    t.dispose([...attentions, ...gradients]);
  }
}
