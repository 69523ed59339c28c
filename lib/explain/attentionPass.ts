// The forward passes of explanations: attention of every block, with or without its gradient.

import type * as tf from '@tensorflow/tfjs';
import { Capture } from '../core/capture.ts';
import { InputError, expected } from '../core/errors.ts';
import { combineInterceptors, type Interceptor } from '../core/intercept.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { layoutOf } from './attentionMaps.ts';
import { assertAttentionModel, queryOf, type AttentionModel } from './attentionModel.ts';
import type { ExplainOptions } from './explanation.ts';
import { assertExplained, explainedClasses, targetClasses, targetSum } from './target.ts';

/**
 * The attention of every block of one pass, first block first, each [B, h, N, N].
 *
 * @property gradients  of the target's logit with respect to the attention, in the same order; empty for a forward pass alone
 * @property logits     [B, K]
 */
export interface AttentionPass {
  attentions: tf.Tensor4D[];
  gradients: tf.Tensor4D[];
  logits: tf.Tensor2D;
  layout: TokenLayout;
}

/** The values of a pass that are read from the backend: the logits as numbers, and the classes that were explained. */
export interface PassNumbers {
  logits: Float32Array;
  targets: number[];
}

/**
 * Runs a batch forward, and backward from the logits of the target classes where gradients are wanted, gives the pass to a function,
 * and frees it. The fused ops are taken apart in this pass alone.
 *
 * @param combine  what is made of the pass, inside `tf.tidy`: a tensor, which the caller owns
 * @throws InputError if the model has no attention over patches or does not classify, or a target is none of its classes
 */
export async function withAttention(
  model: Model,
  images: tf.Tensor4D,
  options: ExplainOptions & { gradients: boolean },
  combine: (pass: AttentionPass, model: AttentionModel) => tf.Tensor,
): Promise<PassNumbers & { combined: tf.Tensor; layout: TokenLayout }> {
  assertAttentionModel(model);
  assertExplained(model, images);
  const batch = images.shape[0];
  const targets = targetClasses(model, batch, options);
  const kinds = options.gradients ? ['attn_probs', 'attn_grad'] : ['attn_probs'];
  const capture = new Capture(
    kinds.map((kind) => `blocks.*.${kind}`),
    { onWarning: () => undefined },
  );
  let logits: tf.Tensor2D | undefined;
  try {
    logits = options.gradients
      ? backward(model, images, { ...options, capture, targets })
      : t.tidy(() => model.forward(images, context(options, capture)));
    const layers = (kind: string) => layersOf(capture, kind);
    const attentions = layers('attn_probs');
    if (attentions.length === 0) {
      const remedy = 'Its blocks have to offer blocks.<i>.attn_probs to a capture.';
      throw new InputError(expected('a model with attention', 'model', model.family, remedy));
    }
    const layout = layoutOf(capture, model);
    const gradients = options.gradients ? layers('attn_grad') : [];
    const pass = { attentions, gradients, logits, layout };
    const combined = t.tidy(() => combine(pass, model));
    const values = (await logits.data()) as Float32Array;
    return { combined, layout, logits: values, targets: explainedClasses(values, batch, targets) };
  } finally {
    logits?.dispose();
    capture.dispose();
  }
}

/** The context of a pass with the method's own interceptor outermost. */
export function context(
  { precision = 'fp32', intercept }: ExplainOptions,
  own: Interceptor,
): { precision: 'fp32' | 'bf16'; intercept: Interceptor } {
  return {
    precision,
    intercept: intercept === undefined ? own : combineInterceptors(own, intercept),
  };
}

/**
 * The tokens that the classifier reads, as weights that sum to 1, [1, 1, N]: the class token, both tokens of a distilled model, or all
 * patches alike.
 */
export function readTokens(
  model: AttentionModel,
  tokens: number,
  layout: TokenLayout,
): tf.Tensor3D {
  const weights = new Float32Array(tokens);
  const { numPrefixTokens } = layout;
  const distilled = (model.config as { distilled?: unknown }).distilled === true;
  if (queryOf(model) === 'mean') weights.fill(1 / (tokens - numPrefixTokens), numPrefixTokens);
  else if (distilled) weights.fill(0.5, 0, 2);
  else weights[0] = 1;
  return t.tensor3d(weights, [1, 1, tokens]);
}

// Takes the feed-forward part apart, whose fused backward pass would also compute gradients of weights that nobody asks for.
const apart: Interceptor = {
  wants: (path) => path.endsWith('.mlp.act'),
  call: ({ inputs }, forward) => forward(...inputs),
};

function backward(
  model: Model,
  images: tf.Tensor4D,
  options: ExplainOptions & { capture: Capture; targets: number[] | undefined },
): tf.Tensor2D {
  const { value, outputs, gradients } = t.valueAndGrads(() => {
    const own = combineInterceptors(options.capture, apart);
    const logits = model.forward(images, context(options, own));
    return { value: targetSum(logits, options.targets), outputs: { logits } };
  }, [images]);
  value.dispose();
  gradients.forEach((gradient) => gradient?.dispose());
  return outputs.logits;
}

function layersOf(capture: Capture, kind: string): tf.Tensor4D[] {
  const found = [...capture.entries()].filter(([name]) => name.endsWith(`.${kind}`));
  const numberOf = ([name]: readonly [string, tf.Tensor]) => Number(name.split('.')[1]);
  return found.sort((a, b) => numberOf(a) - numberOf(b)).map(([, x]) => x as tf.Tensor4D);
}
