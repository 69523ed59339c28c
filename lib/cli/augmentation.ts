// The transforms of an experiment's data: the steps that its config lists, or those that `augment` stands for.

import {
  augmentBatches,
  fixedFilter,
  isSmall,
  parseAugmentOptions,
  trainSteps,
  type AugmentInput,
} from '../data/augment/createTransform.ts';
import { assertNormalization, type Normalization } from '../data/normalize.ts';
import { makeTransforms } from '../data/transformRegistry.ts';
import type { BatchTransform } from '../data/batchTransform.ts';
import type { PreprocessingOptions } from '../data/preprocessing.ts';
import type { Transform } from '../data/transform.ts';
import type { TransformStep } from '../data/transformRegistry.ts';
import { descriptorOf } from './dataset.ts';
import type { DataConfig } from './dataOptionTypes.ts';

/** The steps of the images of training and of evaluation, in their order, as plain data. */
export interface DataSteps {
  readonly train: readonly TransformStep[];
  readonly evaluation: readonly TransformStep[];
}

/** The transforms of images and batches, and the copies of an image in an epoch, as `train` takes them. */
export interface DataTransforms {
  readonly trainTransforms: Transform[];
  readonly evalTransforms: Transform[];
  readonly batchTransforms: BatchTransform[];
  readonly repeats: number;
}

/** The steps of a data config for an input. `trainTransforms` stand in place of those of `augment`. */
export function stepsOf(data: DataConfig, input: AugmentInput): DataSteps {
  const { trainTransforms, evalTransforms = [], augment } = data;
  const own = augment === undefined ? [] : trainSteps(augment, input);
  const isGrey = descriptorOf(data).inputChannels < input.mean.length;
  const first: TransformStep[] = isGrey ? [{ name: 'toRgb' }] : [];
  return {
    train: [...first, ...(trainTransforms ?? own)],
    evaluation: [...first, ...evalTransforms],
  };
}

/** Mean and deviation for a model of so many channels: those of the data config, else the data set's; one value serves all channels. */
export function normalizationOf(data: DataConfig, channels: number): Normalization {
  const { normalize } = descriptorOf(data);
  const spread = (values: readonly number[]) =>
    values.length === 1 ? Array.from({ length: channels }, () => values[0]!) : values;
  const given = { mean: data.mean ?? normalize.mean, std: data.std ?? normalize.std };
  const spreaded = { mean: spread(given.mean), std: spread(given.std) };
  assertNormalization(spreaded, channels);
  return spreaded;
}

/** The input of a model for a data config, and the normalisation of its images. @param imageShape  of the images, if they all have the same */
export function inputOf(
  data: DataConfig,
  [height, width, channels]: readonly [number, number, number],
  imageShape?: AugmentInput['imageShape'],
): { input: AugmentInput; normalize: Normalization } {
  const normalize = normalizationOf(data, channels);
  return { input: { size: [height, width], mean: normalize.mean, imageShape }, normalize };
}

/** The transforms of a data config for an input. @throws InputError naming the step or option that cannot be used */
export function transformsOf(data: DataConfig, input: AugmentInput): DataTransforms {
  const { train, evaluation } = stepsOf(data, input);
  const { augment = {} } = data;
  return {
    trainTransforms: makeTransforms(train, 'data.trainTransforms'),
    evalTransforms: makeTransforms(evaluation, 'data.evalTransforms'),
    batchTransforms: augmentBatches(augment),
    repeats: parseAugmentOptions(augment).augRepeats,
  };
}

/**
 * How images become the input in evaluation: how they are decoded, and as far as `augment` says it the filter and the share of the crop
 * in the middle.
 *
 * DeiT's input of at most 32 pixels is neither resized nor cropped; images of another size are still brought to it.
 */
export function evaluationOf(
  data: DataConfig,
  { size }: Pick<AugmentInput, 'size'>,
): Pick<PreprocessingOptions, 'decode' | 'interpolation' | 'cropPct'> & Pick<AugmentInput, 'size'> {
  const { augment, trainTransforms, decode = descriptorOf(data).decode } = data;
  const whole = { decode, size };
  // Beside steps of the config `augment` is about batches.
  const listed = trainTransforms !== undefined && augment?.evalCropRatio === undefined;
  if (augment === undefined || listed) return whole;
  const full = parseAugmentOptions(augment);
  const interpolation = fixedFilter(full, 'bicubic');
  return { ...whole, interpolation, ...(!isSmall(size) && { cropPct: full.evalCropRatio }) };
}

/** A sentence where the images of a data set all have another size than the input; undefined where they do not. */
export function sizeNote({ size: [height, width], imageShape }: AugmentInput): string | undefined {
  if (imageShape === undefined) return undefined;
  const [h, w] = imageShape;
  if (h === height && w === width) return undefined;
  return `Images of ${h} × ${w} pixels are brought to the ${height} × ${width} of the model.`;
}
