// The attention of a model for one image, as a picture.

import type * as tf from '@tensorflow/tfjs';
import { Capture } from '../core/capture.ts';
import { ShapeError, expected } from '../core/errors.ts';
import { classLabel, percent } from '../core/format.ts';
import type { Precision } from '../core/precision.ts';
import type { RgbImage } from '../core/image.ts';
import type { Bar } from '../figures/barChart.ts';
import { attentionSheet } from '../figures/attentionSheet.ts';
import type { AttentionSheetOptions } from '../figures/attentionSheet.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { readAttention } from './attentionArray.ts';
import type { AttentionArray } from './attentionArray.ts';
import { attentionMaps, patchGrid, queryTokens } from './attentionMaps.ts';
import type { TokenLayout } from './attentionMaps.ts';
import { assertAttentionModel, type AttentionModel } from './attentionModel.ts';
import { attentionRollout } from './rollout.ts';
import type { RolloutOptions } from './rollout.ts';

/** The prediction of a model for one image. */
export interface Prediction {
  classIndex: number;
  className: string;
  /** The probability of that class, 0 … 1. */
  confidence: number;
  /** [K], sum 1. */
  probabilities: Float32Array;
}

/** The options of `visualizeAttention`. */
export interface VisualizeAttentionOptions
  extends
    Pick<AttentionSheetOptions, 'contrast' | 'colormap' | 'scale'>,
    Pick<RolloutOptions, 'headFusion' | 'discardRatio' | 'startLayer'> {
  /** With tokens on a grid of patches: an `AttentionModel`. */
  model: Model;
  /** The image as the model takes it, normalised as in evaluation: [H, W, I], row by row. */
  pixels: Float32Array;
  /** The same image for people; its size may differ. */
  picture: RgbImage;
  /** Default `class 0` … . */
  classNames?: readonly string[];
  /** The true class, if it is known: its bar and the title say so. */
  label?: number;
  /** The precision of the model's products; default fp32. */
  precision?: Precision;
  /** The origin of the image, for the second line: "MNIST test image 0". */
  source?: string;
}

const barsShown = 10;

/**
 * Runs one image through a model and draws what it attends to: the input, the prediction with its probabilities, the attention
 * rollout over the input, and the class token's attention in every layer and head.
 *
 * The pass runs unfused, because the fused ops never hold the attention probabilities. A model without a class token shows the
 * mean over its patches. At most 10 classes are shown, the most probable ones.
 *
 * @returns the picture as PNG bytes, and the prediction
 * @throws InputError if the model has no attention over patches
 * @throws ShapeError if `pixels` is not one image of the model's size
 *
 * @example
 * const {png, prediction} = await visualizeAttention({model, pixels, picture, classNames: MNIST_CLASSES});
 */
export async function visualizeAttention(
  options: VisualizeAttentionOptions,
): Promise<{ png: Uint8Array; prediction: Prediction }> {
  const { model, picture, contrast, colormap, scale } = options;
  assertAttentionModel(model);
  const { probabilities, attentions } = await look(options);
  const prediction = predictionOf(probabilities, options.classNames);
  const { hasClassToken, numPrefixTokens, gridSize } = model;
  const layout: TokenLayout = { numPrefixTokens, gridSize };
  const png = await attentionSheet({
    image: picture,
    maps: attentionMaps(attentions, { ...layout, query: hasClassToken ? 'class' : 'mean' }),
    rollout: rolloutMap(attentions, { ...options, ...layout, hasClassToken }),
    bars: barsOf(prediction, options),
    barsHeading: options.label === undefined ? 'Prediction' : 'Prediction (✓ true class)',
    mapsHeading: hasClassToken
      ? 'Attention of the class token'
      : 'Attention, mean over all patches',
    title: titleOf(prediction, options),
    subtitle: subtitleOf(model, attentions, options),
    ...(contrast === undefined ? {} : { contrast }),
    ...(colormap === undefined ? {} : { colormap }),
    ...(scale === undefined ? {} : { scale }),
  });
  return { png, prediction };
}

/** The most probable class, and of equally probable ones the first. */
export function predictionOf(
  probabilities: Float32Array,
  classNames?: readonly string[],
): Prediction {
  const classIndex = probabilities.reduce(
    (best, value, i) => (value > probabilities[best]! ? i : best),
    0,
  );
  const className = classLabel(classIndex, classNames);
  return { classIndex, className, confidence: probabilities[classIndex]!, probabilities };
}

async function look({ model, pixels, precision = 'fp32' }: VisualizeAttentionOptions): Promise<{
  probabilities: Float32Array;
  attentions: AttentionArray[];
}> {
  const [height, width, inChannels] = model.inputShape;
  if (pixels.length !== height * width * inChannels) {
    throw new ShapeError(
      expected(`${height} × ${width} × ${inChannels} values`, 'pixels', pixels.length),
    );
  }
  const capture = new Capture(['blocks.*.attn_probs']);
  let output: tf.Tensor | undefined;
  try {
    output = t.tidy(() => {
      const images = t.tensor4d(pixels, [1, height, width, inChannels]);
      return t.softmax(model.forward(images, { intercept: capture, precision }));
    });
    const probabilities = (await output.data()) as Float32Array;
    return { probabilities, attentions: await readAttention(capture) };
  } finally {
    output?.dispose();
    capture.dispose();
  }
}

function rolloutMap(
  attentions: readonly AttentionArray[],
  options: RolloutOptions & TokenLayout & { hasClassToken: boolean },
): ReturnType<typeof patchGrid> {
  const { headFusion, discardRatio, startLayer, hasClassToken, numPrefixTokens } = options;
  const tokens = attentions[0]!.shape[2]!;
  const queries = queryTokens(hasClassToken ? 'class' : 'mean', tokens, numPrefixTokens);
  const { data } = attentionRollout(attentions, {
    queries,
    ...(headFusion === undefined ? {} : { headFusion }),
    ...(discardRatio === undefined ? {} : { discardRatio }),
    ...(startLayer === undefined ? {} : { startLayer }),
  });
  const mean = new Float64Array(tokens);
  data.forEach((value, i) => (mean[i % tokens] = mean[i % tokens]! + value / queries.length));
  return patchGrid(mean, options);
}

function barsOf(
  { probabilities, classIndex }: Prediction,
  { classNames, label }: VisualizeAttentionOptions,
): Bar[] {
  const classes = Array.from(probabilities, (_, k) => k);
  if (classes.length > barsShown)
    classes.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  return classes.slice(0, barsShown).map((k) => ({
    label: k === label ? `${classLabel(k, classNames)} ✓` : classLabel(k, classNames),
    value: probabilities[k]!,
    strong: k === classIndex,
  }));
}

function titleOf(
  { className, classIndex, confidence }: Prediction,
  { label, classNames }: VisualizeAttentionOptions,
): string {
  const said = `Predicted ${className} with ${percent(confidence)} confidence`;
  if (label === undefined) return said;
  return label === classIndex
    ? `${said}: correct`
    : `${said}: wrong, it is ${classLabel(label, classNames)}`;
}

function subtitleOf(
  { gridSize, embedDim }: AttentionModel,
  attentions: readonly AttentionArray[],
  { source, headFusion = 'mean', discardRatio = 0 }: VisualizeAttentionOptions,
): string {
  const depth = attentions.length;
  const numHeads = attentions[0]!.shape[1];
  const [rows, columns] = gridSize;
  const parts = [
    `${rows} × ${columns} patches`,
    `${depth} layers × ${numHeads} heads, ${embedDim} channels`,
    `rollout: ${headFusion} of heads${discardRatio > 0 ? `, ${percent(discardRatio, 0)} discarded` : ''}`,
  ];
  return [...(source === undefined ? [] : [source]), ...parts].join(' · ');
}
