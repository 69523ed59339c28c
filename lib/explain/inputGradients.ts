// The gradient of target logits with respect to the images, and logits alone, in batches of a bounded size.

import type * as tf from '@tensorflow/tfjs';
import { combineInterceptors, type Interceptor } from '../core/intercept.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { layoutOf } from './attentionMaps.ts';
import { assertAttentionModel } from './attentionModel.ts';
import type { ExplainOptions } from './explanation.ts';
import { assertExplained, explainedClasses, targetClasses, targetSum } from './target.ts';

/** Images that go through a model at once where a method needs many passes for one image. */
export const passSize = 64;

/** The predictions of a batch: logits row by row, the classes to explain, and the places of the patches. */
export interface Predicted {
  logits: Float32Array;
  targets: number[];
  layout: TokenLayout;
}

/** Runs a batch forward, for methods that ask afterwards about the predicted or given classes. @throws as `relevance` */
export async function predictTargets(
  model: Model,
  images: tf.Tensor4D,
  options: ExplainOptions,
): Promise<Predicted> {
  assertAttentionModel(model);
  assertExplained(model, images);
  const batch = images.shape[0];
  const targets = targetClasses(model, batch, options);
  const places: { layout?: TokenLayout } = {};
  const logits = t.tidy(() => model.forward(images, contextOf(options, layoutListener(places))));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  const layout = layoutOf(places, model);
  return { logits: values, targets: explainedClasses(values, batch, targets), layout };
}

/** ∂ Σ_b logits[b, target_b] / ∂ images, [B, H, W, C]. The caller owns it. */
export function inputGradient(
  model: Model,
  images: tf.Tensor4D,
  targets: readonly number[],
  options: ExplainOptions,
): tf.Tensor4D {
  const { value, gradients } = t.valueAndGrads(() => {
    const logits = model.forward(images, contextOf(options));
    return { value: targetSum(logits, targets), outputs: {} };
  }, [images]);
  value.dispose();
  return gradients[0] as tf.Tensor4D;
}

/** The logit of one class for each image, [B], as numbers. */
export async function targetLogits(
  model: Model,
  images: tf.Tensor4D,
  target: number,
  options: ExplainOptions,
): Promise<Float32Array> {
  const [batch] = images.shape;
  const logits = t.tidy(() => {
    const all = model.forward(images, contextOf(options));
    return t.reshape(t.slice(all, [0, target], [batch, 1]), [batch]);
  });
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

function contextOf(
  { precision = 'fp32', intercept }: ExplainOptions,
  own?: Interceptor,
): { precision: 'fp32' | 'bf16'; intercept?: Interceptor } {
  const all = [own, intercept].filter((one) => one !== undefined);
  return { precision, ...(all.length > 0 && { intercept: combineInterceptors(...all) }) };
}

function layoutListener(places: { layout?: TokenLayout }): Interceptor {
  return {
    wants: () => false,
    call: ({ layout, inputs }, forward) => {
      if (layout !== undefined) places.layout = layout;
      return forward(...inputs);
    },
  };
}
