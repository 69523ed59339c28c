// The attention of a model for one image, as a picture.

import { assertImage } from '../core/image.ts';
import { assertFields, assertListOf } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { Capture } from '../core/capture.ts';
import { assertFiniteOutput, assertInteger, assertOneOf } from '../core/check.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import { classLabel, percent, shorten } from '../core/format.ts';
import type { Precision } from '../core/precision.ts';
import type { RgbImage } from '../core/image.ts';
import type { Bar } from '../figures/barChart.ts';
import { attentionSheetSvg } from '../figures/attentionSheet.ts';
import type { AttentionSheetOptions } from '../figures/attentionSheet.ts';
import { svgToPng } from '../figures/svgToPng.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { readAttention } from './attentionArray.ts';
import type { AttentionArray } from './attentionArray.ts';
import { attentionMaps, layoutOf, patchGrid, queryTokens } from './attentionMaps.ts';
import { assertAttentionModel, queryOf, type AttentionModel } from './attentionModel.ts';
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
  /**
   * The same image for people; its size may differ. For a model that takes images of any size, `pixels` may have the size of the
   * picture instead of the model's.
   */
  picture: RgbImage;
  /** Default `class 0` … . */
  classNames?: readonly string[];
  /** The true class, if it is known: its bar and the title say so. */
  label?: number;
  /** The precision of the model's products; default fp32. */
  precision?: Precision;
  /** The origin of the image, for the second line: "MNIST test image 0". */
  source?: string;
  /** The checkpoint of the model, for the second line: "runs/mnist/best_checkpoint.safetensors". */
  checkpoint?: string;
}

const barsShown = 10;

/**
 * Runs one image through a model and draws what it attends to: the input, the prediction with its probabilities, the attention
 * rollout over the input, and the class token's attention in every layer and head.
 *
 * The pass runs unfused, because the fused ops never hold the attention probabilities. A model whose classifier does not read a class
 * token shows the mean over its patches. At most 10 classes are shown: the most probable ones, and the true one.
 *
 * @returns the picture as PNG bytes and as an SVG document, and the prediction; undefined for a model that makes none for an image,
 *   because it has no classes, or classifies each token (globalPool '')
 * @throws InputError if the model has no attention over patches
 * @throws NumericError if a probability or an attention is not finite
 * @throws ShapeError if `pixels` is not one image that the model takes
 *
 * @example
 * const {png, prediction} = await visualizeAttention({model, pixels, picture, classNames: MNIST_CLASSES});
 */
export async function visualizeAttention(
  options: VisualizeAttentionOptions,
): Promise<{ png: Uint8Array; svg: string; prediction: Prediction | undefined }> {
  assertFields('visualizeAttention', options, {
    model: 'instance',
    pixels: 'floats',
    classNames: 'list?',
    source: 'text?',
    checkpoint: 'text?',
  });
  assertImage('picture', options.picture);
  const { model, picture, contrast, colormap, scale = 1 } = options;
  assertAttentionModel(model);
  assertClasses(options);
  if (contrast !== undefined) assertOneOf('contrast', contrast, ['shared', 'perMap']);
  const { probabilities, attentions } = await look(options);
  const prediction =
    probabilities === undefined ? undefined : predictionOf(probabilities, options.classNames);
  const query = queryOf(model);
  const svg = attentionSheetSvg({
    image: picture,
    maps: attentionMaps(attentions, { ...layoutOf(attentions[0]!, model), query }),
    rollout: rolloutMap(attentions, options, model),
    ...barsOf(prediction, options),
    mapsHeading:
      query === 'class' ? 'Attention of the class token' : 'Attention, mean over all patches',
    title: titleOf(prediction, options),
    subtitle: subtitleOf(model, attentions, options),
    ...(contrast === undefined ? {} : { contrast }),
    ...(colormap === undefined ? {} : { colormap }),
  });
  return { png: await svgToPng(svg, { scale }), svg, prediction };
}

// A name for each class, and a label that is one of them; a model without classes uses neither.
function assertClasses({ model: { numClasses }, classNames, label }: VisualizeAttentionOptions) {
  if (classNames !== undefined) assertListOf('classNames', classNames, 'text');
  if (label !== undefined) assertInteger('label', label, { min: 0 });
  if (numClasses === 0) return;
  if (classNames !== undefined && classNames.length !== numClasses) {
    throw new InputError(expected(`${numClasses} names`, 'classNames', classNames));
  }
  if (label !== undefined) assertInteger('label', label, { min: 0, max: numClasses - 1 });
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

// The shape of the pixels: that of the picture where it has as many, else the model's.
function imageShape({
  model,
  pixels,
  picture: { width, height },
}: VisualizeAttentionOptions): [number, number, number] {
  const [modelHeight, modelWidth, channels] = model.inputShape;
  if (pixels.length === height * width * channels) return [height, width, channels];
  if (pixels.length === modelHeight * modelWidth * channels) {
    return [modelHeight, modelWidth, channels];
  }
  const what = `${modelHeight} × ${modelWidth} × ${channels} values`;
  throw new ShapeError(expected(what, 'pixels', pixels.length));
}

async function look(options: VisualizeAttentionOptions): Promise<{
  probabilities: Float32Array | undefined;
  attentions: AttentionArray[];
}> {
  const { model, pixels, precision = 'fp32' } = options;
  const shape = imageShape(options);
  const capture = new Capture(['blocks.*.attn_probs']);
  let output: tf.Tensor | undefined;
  try {
    output = t.tidy(() => {
      const images = t.tensor4d(pixels, [1, ...shape]);
      return t.softmax(model.forward(images, { intercept: capture, precision }));
    });
    const values = (await output.data()) as Float32Array;
    const classified = model.numClasses > 0 && output.rank === 2;
    if (classified) assertFiniteOutput('the image', values);
    return {
      probabilities: classified ? values : undefined,
      attentions: await readAttention(capture),
    };
  } finally {
    output?.dispose();
    capture.dispose();
  }
}

function rolloutMap(
  attentions: readonly AttentionArray[],
  { headFusion, discardRatio, startLayer }: RolloutOptions,
  model: AttentionModel,
): ReturnType<typeof patchGrid> {
  const tokens = attentions[0]!.shape[2]!;
  const layout = layoutOf(attentions[0]!, model);
  const rows = attentionRollout(attentions, {
    queries: queryTokens(queryOf(model), tokens, layout),
    ...(headFusion === undefined ? {} : { headFusion }),
    ...(discardRatio === undefined ? {} : { discardRatio }),
    ...(startLayer === undefined ? {} : { startLayer }),
  });
  return patchGrid(rows, layout);
}

function barsOf(
  prediction: Prediction | undefined,
  { model, classNames, label }: VisualizeAttentionOptions,
): Pick<AttentionSheetOptions, 'bars' | 'barsHeading' | 'barsNote'> {
  if (prediction === undefined) {
    const barsNote =
      model.numClasses > 0
        ? "Each token has its own logits (globalPool ''), so there is none for the image."
        : 'The model has no classes (numClasses 0): it gives features.';
    return { bars: [], barsHeading: 'No prediction', barsNote };
  }
  const { probabilities, classIndex } = prediction;
  let classes = Array.from(probabilities, (_, k) => k);
  if (classes.length > barsShown) {
    classes.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
    classes = classes.slice(0, barsShown);
    if (label !== undefined && !classes.includes(label)) classes[barsShown - 1] = label;
  }
  const bars: Bar[] = classes.map((k) => ({
    label: k === label ? `✓ ${classLabel(k, classNames)}` : classLabel(k, classNames),
    value: probabilities[k]!,
    strong: k === classIndex,
  }));
  return {
    bars,
    barsHeading: label === undefined ? 'Prediction' : 'Prediction (✓ true class)',
    ...(probabilities.length === 1 && { barsNote: 'It is the only class the model has.' }),
  };
}

// Longer names are cut in the title; the bars have the room that they have.
const nameLength = 40;

function titleOf(
  prediction: Prediction | undefined,
  { label, classNames, source }: VisualizeAttentionOptions,
): string {
  if (prediction === undefined) return `Attention${source === undefined ? '' : ` in ${source}`}`;
  const { className, classIndex, confidence } = prediction;
  const said = `Predicted ${shorten(className, nameLength)} with ${percent(confidence)} confidence`;
  if (label === undefined) return said;
  return label === classIndex
    ? `${said}: correct`
    : `${said}: wrong, it is ${shorten(classLabel(label, classNames), nameLength)}`;
}

function subtitleOf(
  model: AttentionModel,
  attentions: readonly AttentionArray[],
  { source, checkpoint, headFusion = 'mean', discardRatio = 0 }: VisualizeAttentionOptions,
): string {
  const depth = attentions.length;
  const numHeads = attentions[0]!.shape[1];
  const [rows, columns] = layoutOf(attentions[0]!, model).gridSize;
  const parts = [
    `${rows} × ${columns} patches`,
    `${counted(depth, 'layer')} × ${counted(numHeads!, 'head')}, ${model.embedDim} channels`,
    `rollout: ${headFusion} of heads${discardRatio > 0 ? `, ${percent(discardRatio, 0)} discarded` : ''}`,
  ];
  return [source, ...parts, checkpoint].filter((part) => part !== undefined).join(' · ');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
