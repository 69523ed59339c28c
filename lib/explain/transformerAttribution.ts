// Class relevance by relevance propagation through the whole model, with its variants.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger, assertNumber, assertOneOf } from '../core/check.ts';
import { assertFields } from '../core/kinds.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { readTokens, withAttention, type AttentionPass } from './attentionPass.ts';
import type { AttentionModel } from './attentionModel.ts';
import { logitRows, patchMaps, type Explanation } from './explanation.ts';
import { cheferRules } from './lrp/cheferRules.ts';
import { disposePass, readRelevance, relevancePass } from './lrp/relevancePass.ts';
import type { LrpOptions, PixelExplanation } from './lrp/relevancePass.ts';
import { positiveMean, rowOf, startOf } from './relevance.ts';
import { targetClasses } from './target.ts';

/**
 * The ways to make a map of relevances.
 *
 * transformer_attribution: Π (I + mean of max(0, ∂A ⊙ R_A)) over the blocks · rollout: the same of max(0, R_A), without gradients · full:
 * relevance carried to the pixels · last_layer, second_layer: max(0, R_A) of one block · attn_gradcam: the last block's attention, each
 * head weighed by the mean of its gradient · last_layer_attn: the last block's attention alone
 */
export type AttributionMethod =
  | 'transformer_attribution'
  | 'rollout'
  | 'full'
  | 'last_layer'
  | 'second_layer'
  | 'attn_gradcam'
  | 'last_layer_attn';

/** Every method by name. */
export const attributionMethods: readonly AttributionMethod[] = [
  'transformer_attribution',
  'rollout',
  'full',
  'last_layer',
  'second_layer',
  'attn_gradcam',
  'last_layer_attn',
];

/**
 * The options of `transformerAttribution`.
 *
 * @property method      default transformer_attribution
 * @property startLayer  the first block that counts, from 0, negative from the end; default 0
 * @property alpha       weight of the parts that speak for a result, those against have alpha − 1; default 1
 * @property ablation    last_layer, second_layer: relevance times the gradient; default false
 * @property separate    the older rules (`CheferOptions`); default false
 */
export interface AttributionOptions extends LrpOptions {
  method?: AttributionMethod;
  startLayer?: number;
  alpha?: number;
  ablation?: boolean;
  separate?: boolean;
}

/** An explanation of `transformerAttribution`; with method full it has the relevance of each pixel too. */
export type Attribution = Explanation & Partial<PixelExplanation>;

/**
 * Class relevance by layer-wise relevance propagation: how much of the class each patch explains.
 *
 * Relevance begins as 1 at the class and is carried back through every layer by `cheferRules`, for each image by itself; at each block's
 * attention it is multiplied with the gradient. It costs two forward and two backward passes. The class token's row is read, or as
 * `relevance` says.
 *
 * LRP is a patented technology in some countries, free for research; `relevance` does without it.
 *
 * @throws UnsupportedError naming a layer that has no rule; InputError as `relevance`
 *
 * Source: Chefer et al. 2021, "Transformer interpretability beyond attention visualization", CVPR.
 *
 * @example const { maps } = await transformerAttribution(model, images, { target: 'dog', startLayer: 1 });
 */
export async function transformerAttribution(
  model: Model,
  images: tf.Tensor4D,
  options: AttributionOptions = {},
): Promise<Attribution> {
  assertFields('transformerAttribution', options, { ablation: 'boolean?', separate: 'boolean?' });
  const { method = 'transformer_attribution', alpha = 1, separate = false } = options;
  assertOneOf('method', method, attributionMethods);
  assertNumber('alpha', alpha, { min: 1, max: 100 });
  if (method === 'full') {
    const rules = cheferRules({ alpha, separate });
    return readRelevance(relevancePass(model, images, { ...options, rules, start: 'one' }), {
      targets: targetClasses(model, images.shape[0], options),
    });
  }
  const readsLrp = method !== 'attn_gradcam' && method !== 'last_layer_attn';
  const lrp = readsLrp
    ? relevancePass(model, images, {
        ...options,
        rules: cheferRules({ alpha, separate }),
        start: 'one',
      })
    : undefined;
  try {
    const gradients = method !== 'last_layer_attn';
    const exact = { ...options, gradients, precision: 'fp32' } as const;
    const result = await withAttention(model, images, exact, (pass, known) =>
      combine(pass, known, { ...options, method, relevances: lrp?.attentions ?? [] }),
    );
    const maps = await patchMaps(result.combined, result.layout);
    const { layout, logits, targets } = result;
    return { maps, targets, logits: logitRows(logits, images.shape[0]), layout };
  } finally {
    if (lrp) disposePass(lrp);
  }
}

function combine(
  pass: AttentionPass,
  model: AttentionModel,
  options: AttributionOptions & { method: AttributionMethod; relevances: tf.Tensor4D[] },
): tf.Tensor {
  const { attentions, gradients, layout } = pass;
  const { method, relevances, ablation = false } = options;
  const layers = attentions.length;
  const tokens = attentions[0]!.shape[2];
  const read = readTokens(model, tokens, layout);
  const read1 = (matrix: tf.Tensor3D) => t.sum(t.mul(matrix, t.reshape(read, [1, tokens, 1])), 1);
  const block = (i: number) => {
    const r = relevances[i]!;
    return read1(positiveMean(ablation ? t.mul(r, gradients[i]!) : r));
  };
  switch (method) {
    case 'transformer_attribution': {
      const parts = relevances.map((r, i) => positiveMean(t.mul(r, gradients[i]!)));
      return rowOf(parts, startOf(options.startLayer, layers), read);
    }
    case 'rollout':
      return rowOf(relevances.map(positiveMean), startOf(options.startLayer, layers), read);
    case 'last_layer':
      return block(layers - 1);
    case 'second_layer':
      assertInteger('layers of the model', layers, { min: 2 });
      return block(1);
    case 'last_layer_attn':
      return read1(t.mean(attentions[layers - 1]!, 1));
    default:
      return attentionGradCam(attentions[layers - 1]!, gradients[layers - 1]!, {
        read,
        prefix: layout.numPrefixTokens,
      });
  }
}

// max(0, mean over heads of w_h·A_h) at the read tokens, w_h the mean of the gradient over the patches.
function attentionGradCam(
  attention: tf.Tensor4D,
  gradient: tf.Tensor4D,
  { read, prefix }: { read: tf.Tensor3D; prefix: number },
): tf.Tensor {
  const [batch, heads, tokens] = attention.shape;
  const weights = t.reshape(read, [1, 1, tokens, 1]);
  const row = (x: tf.Tensor4D) => t.sum<tf.Tensor3D>(t.mul(x, weights), 2);
  const slopes = t.slice(row(gradient), [0, 0, prefix], [batch, heads, tokens - prefix]);
  return t.relu(t.mean(t.mul(row(attention), t.mean(slopes, 2, true)), 1));
}
