// One pass of relevance propagation: forward, and relevance backward to the pixels.

import type * as tf from '@tensorflow/tfjs';
import { Capture } from '../../core/capture.ts';
import { combineInterceptors, type Interceptor } from '../../core/intercept.ts';
import type { TokenLayout } from '../../core/tokenLayout.ts';
import type { Model } from '../../models/model.ts';
import { recordGradient } from '../../ops/recordGradient.ts';
import * as t from '../../ops/tensor.ts';
import { layoutOf } from '../attentionMaps.ts';
import { assertAttentionModel } from '../attentionModel.ts';
import { context } from '../attentionPass.ts';
import type { Grid } from '../../figures/grid.ts';
import { logitRows, pixelMaps, type ExplainOptions, type Explanation } from '../explanation.ts';
import { assertExplained, explainedClasses, targetClasses, targetSum } from '../target.ts';
import { relevanceInterceptor, type RuleTable, type Take } from './rule.ts';

/** The options of every method of relevance propagation, whose products are always in float32. */
export type LrpOptions = Omit<ExplainOptions, 'precision'>;

/**
 * The options of `relevancePass`.
 *
 * @property start   the relevance of the target's logit: one, or the logit itself
 * @property take    notes relevance that no input of a step receives
 * @property arrive  is told the relevance of the tokens, [B, N, C], after each block (`blocks.3.output`), before the first
 *                   (`blocks.input`), with (`pos_embed`) and without (`pos_embed.sum`) their positions, from the last to the first
 */
export interface RelevancePassOptions extends LrpOptions {
  rules: RuleTable;
  start: 'one' | 'logit';
  take?: Take | undefined;
  arrive?: ((path: string, relevance: tf.Tensor) => void) | undefined;
}

/**
 * The result of a pass of relevance propagation. The caller disposes its tensors.
 *
 * @property attentions  relevance at the attention of each block, first block first, [B, h, N, N]
 * @property pixels      relevance at the pixels, [B, H, W, C]
 * @property logits      [B, K]
 */
export interface RelevancePass {
  attentions: tf.Tensor4D[];
  pixels: tf.Tensor4D;
  logits: tf.Tensor2D;
  layout: TokenLayout;
}

/**
 * Carries the relevance of the target classes from the logits to the pixels by a table of rules. Products are in float32, because
 * relevance is divided by sums that may be near zero.
 *
 * @throws UnsupportedError naming a layer that has no rule
 */
export function relevancePass(
  model: Model,
  images: tf.Tensor4D,
  { rules, start, take, arrive, ...options }: RelevancePassOptions,
): RelevancePass {
  assertAttentionModel(model);
  assertExplained(model, images);
  const targets = targetClasses(model, images.shape[0], options);
  const skip = model.globalPool === 'token' || model.globalPool === 'map' ? 'pool' : undefined;
  const capture = new Capture(['blocks.*.attn_grad'], { onWarning: () => undefined });
  const own = [relevanceInterceptor(rules, { take, skip }), capture];
  const all = combineInterceptors(...(arrive === undefined ? own : [listening(arrive), ...own]));
  try {
    const { value, outputs, gradients } = t.valueAndGrads(() => {
      const logits = model.forward(images, context({ ...options, precision: 'fp32' }, all));
      return { value: targetSum(logits, targets, { start }), outputs: { logits } };
    }, [images]);
    value.dispose();
    const layers = [...capture.entries()].map(
      ([name, x]) => [Number(name.split('.')[1]), t.keep(t.clone(x)) as tf.Tensor4D] as const,
    );
    return {
      attentions: layers.sort((a, b) => a[0] - b[0]).map(([, x]) => x),
      pixels: gradients[0] as tf.Tensor4D,
      logits: outputs.logits,
      layout: layoutOf(capture, model),
    };
  } finally {
    capture.dispose();
  }
}

/** An explanation with the relevance of each pixel, its channels summed, one grid an image. */
export interface PixelExplanation extends Explanation {
  pixels: Grid<Float32Array>[];
}

/** A pass as an explanation: relevance of pixels, and of patches as its sum over each. The pass is disposed. */
export async function readRelevance(
  pass: RelevancePass,
  { targets }: { targets: readonly number[] | undefined },
): Promise<PixelExplanation> {
  const [batch, height, width] = pass.pixels.shape;
  try {
    const logits = (await pass.logits.data()) as Float32Array;
    const summed = t.sum(pass.pixels, 3, true);
    const values = (await summed.data()) as Float32Array;
    const area = height * width;
    return {
      maps: await pixelMaps(summed, pass.layout),
      pixels: Array.from({ length: batch }, (_, b) => ({
        height,
        width,
        data: values.slice(b * area, (b + 1) * area),
      })),
      targets: explainedClasses(logits, batch, targets),
      logits: logitRows(logits, batch),
      layout: pass.layout,
    };
  } finally {
    disposePass(pass);
  }
}

/** Frees the tensors of a pass. */
export function disposePass({ attentions, pixels, logits }: RelevancePass): void {
  t.dispose([...attentions, pixels, logits]);
}

// The relevance of the tokens before each block, and where prefix tokens and positions come in.
function listening(arrive: (path: string, relevance: tf.Tensor) => void): Interceptor {
  const places = /^(blocks\.(input|\d+\.output)|pos_embed)$/;
  return {
    wants: (path) => places.test(path),
    call: ({ path, inputs }, forward) => {
      if (path === 'pos_embed.sum') {
        const [x, embedding] = inputs as [tf.Tensor, tf.Tensor];
        return forward(
          recordGradient(x, (relevance) => arrive(path, relevance)),
          embedding,
        );
      }
      const y = forward(...inputs);
      if (!places.test(path)) return y;
      return recordGradient(y, (relevance) => arrive(path, relevance));
    },
  };
}
