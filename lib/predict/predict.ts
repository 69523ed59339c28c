// The likeliest classes of one image, in one call.

import { assertInteger, isRecord } from '../core/check.ts';
import { InputError, NumericError, expected } from '../core/errors.ts';
import { firstNonFinite } from '../core/finite.ts';
import { classLabel } from '../core/format.ts';
import { assertListOf } from '../core/kinds.ts';
import { recordOfModel } from '../core/modelRecord.ts';
import type { RgbImage } from '../core/image.ts';
import type { Precision } from '../core/precision.ts';
import {
  parseNormalization,
  parsePreprocessing,
  preprocessImage,
  type Preprocessing,
  type PreprocessingOptions,
} from '../data/preprocessing.ts';
import type { AdaptedImage } from '../data/registry.ts';
import type { Model } from '../models/model.ts';
import { imageOf, type ImageInput } from './imageInput.ts';
import { preparationOf } from './preparation.ts';
import { probabilitiesOf } from './probabilities.ts';

/** A class with its probability, 0 … 1. */
export interface ClassPrediction {
  label: string;
  index: number;
  probability: number;
}

/**
 * The options of `predict`; each default is what is stored with the model.
 *
 * @property topK           only so many of the likeliest classes; default all
 * @property preprocessing  fields that differ from the stored ones: `{normalize: {mean: [0.5], std: [0.5]}}`
 * @property classNames     default `class 0` … where none are stored
 * @property adaptImage     makes the image look like one of the data set; default as the data set of the model has it, where that
 *                          is registered. false: the image is used as it is
 * @property precision      of the products; default fp32
 * @property onNote         told what was adapted or assumed; default: nobody
 */
export interface PredictOptions {
  topK?: number;
  preprocessing?: PreprocessingOptions;
  classNames?: readonly string[];
  adaptImage?: ((image: RgbImage) => AdaptedImage) | false;
  precision?: Precision;
  onNote?: (text: string) => void;
}

/**
 * Asks a model about one image: the classes by probability, the likeliest first.
 *
 * The image is adapted, brought to the model's size and normalised as is stored with the model, which a model knows that was
 * trained (`train`) or loaded with its config.json (`loadModel`). Of equally probable classes the first comes first.
 *
 * @param image  a tensor, an `RgbImage`, or in a browser `ImageData` or an element with pixels: `ImageInput` says how each is taken
 * @returns one entry a class, at most `topK`; their sum is 1 for all of them
 * @throws InputError naming what cannot be used, NumericError if the model gives no finite number
 *
 * @example
 * const [best] = await predict(model, canvas);   // {label: '7', index: 7, probability: 0.998}
 */
export async function predict(
  model: Model,
  image: ImageInput,
  options: PredictOptions = {},
): Promise<ClassPrediction[]> {
  assertAsked(model, options);
  const { topK = model.numClasses, precision = 'fp32', onNote = () => undefined } = options;
  assertInteger('topK', topK, { min: 1 });
  const { preprocessing, classNames, adaptImage } = preparationFor(model, options);
  const channels = model.inputShape[2];
  const plain = await imageOf(image, channelsOf(channels));
  const adapted = adaptImage === undefined ? { image: plain } : adaptImage(plain);
  if (adapted.note !== undefined) onNote(adapted.note);
  const { pixels } = preprocessImage(adapted.image, preprocessing);
  const probabilities = await probabilitiesOf(model, pixels, precision);
  const index = firstNonFinite(probabilities);
  if (index >= 0) {
    const remedy = 'Its weights or its normalisation are out of range.';
    const what = `the probability of ${classLabel(index, classNames)}`;
    throw new NumericError(expected('a finite number', what, probabilities[index], remedy));
  }
  return Array.from(probabilities, (probability, k) => ({
    label: classLabel(k, classNames),
    index: k,
    probability,
  }))
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, topK);
}

/**
 * How `predict` prepares images for a model: what is stored with it, with the options in its place.
 *
 * @throws InputError, CheckpointError naming a field that cannot be used
 */
export function preparationFor(
  model: Model,
  { preprocessing: given, classNames, adaptImage, onNote = () => undefined }: PredictOptions,
): {
  preprocessing: Preprocessing;
  classNames: readonly string[] | undefined;
  adaptImage: ((image: RgbImage) => AdaptedImage) | undefined;
} {
  const { numClasses, inputShape } = model;
  assertClassNames(classNames, numClasses);
  const { normalize, ...fields } = parseGiven(given, inputShape[2]);
  const record = recordOfModel(model);
  const stored = preparationOf(record, model, { note: onNote, normalize, assume: false });
  const { descriptor } = stored;
  const adapt = adaptImage ?? descriptor?.adaptImage?.bind(descriptor);
  if (adapt !== undefined && adapt !== false && typeof adapt !== 'function') {
    throw new InputError(expected('a function or false', 'adaptImage', adapt));
  }
  return {
    preprocessing: parsePreprocessing(
      { ...stored.preprocessing, size: inputShape.slice(0, 2), ...fields },
      inputShape[2],
    ),
    classNames: classNames ?? stored.classNames,
    adaptImage: adapt === false ? undefined : adapt,
  };
}

/** Throws an InputError unless names are undefined, or a text for each class. */
export function assertClassNames(names: unknown, numClasses: number): void {
  if (names === undefined) return;
  if (!Array.isArray(names) || names.length !== numClasses) {
    throw new InputError(expected(`${numClasses} names`, 'classNames', names));
  }
  assertListOf('classNames', names, 'text');
}

function parseGiven(given: unknown = {}, channels: number): PreprocessingOptions {
  if (!isRecord(given)) throw new InputError(expected('an object', 'preprocessing', given));
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
  const { normalize } = fields as PreprocessingOptions;
  return normalize === undefined
    ? fields
    : { ...fields, normalize: parseNormalization(normalize, channels) };
}

/** Throws unless the arguments of `predict` are a model that gives the logits of classes, and options. */
export function assertAsked(model: Model, options: PredictOptions): void {
  if (!isRecord(options)) {
    throw new InputError(expected('an object', 'the options of predict', options));
  }
  const { forward, inputShape, numClasses } = (model as Partial<Model> | null) ?? {};
  if (typeof forward !== 'function' || !Array.isArray(inputShape)) {
    throw new InputError(
      expected('a model', 'predict', model, 'Give one of createModel or loadModel.'),
    );
  }
  if (Number.isSafeInteger(numClasses) && Number(numClasses) > 0) return;
  const remedy = 'Its output is features; use model.forward.';
  throw new InputError(
    expected('a model with classes', 'predict', `numClasses ${numClasses}`, remedy),
  );
}

function channelsOf(channels: number): 1 | 3 {
  if (channels === 1 || channels === 3) return channels;
  throw new InputError(expected('a model of 1 or 3 channels', 'predict', channels));
}
