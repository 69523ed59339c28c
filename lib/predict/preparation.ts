// How images become the input of a model, and the names of its classes, by the record that was stored with it.

import {
  huggingFaceClassNames,
  huggingFacePreparation,
  preprocessorName,
} from '../checkpoints/huggingFaceConfig.ts';
import { timmPreparation } from '../checkpoints/timmConfig.ts';
import { isRecord } from '../core/check.ts';
import { InputError, expected, show } from '../core/errors.ts';
import type { ModelRecord } from '../core/modelRecord.ts';
import type { CropMode } from '../data/fitImage.ts';
import { IMAGENET_CLASSES } from '../data/imagenetClasses.ts';
import {
  assertNormalization,
  IMAGENET_NORMALIZATION,
  MNIST_NORMALIZATION,
  type Normalization,
} from '../data/normalize.ts';
import {
  makePreprocessing,
  parseNormalization,
  parsePreprocessing,
  type Preprocessing,
} from '../data/preprocessing.ts';
import { datasetDescriptor, datasetNames, type DatasetDescriptor } from '../data/registry.ts';
import { resizeFilters } from '../data/resizeImage.ts';
import type { Model } from '../models/model.ts';

/**
 * The needs of a model's images and answers.
 *
 * @property preprocessing  how an image becomes its input
 * @property classNames     undefined where nothing says them
 * @property descriptor     of the data set that it was trained on, where that is registered
 */
export interface Preparation {
  preprocessing: Preprocessing;
  classNames: readonly string[] | undefined;
  descriptor: DatasetDescriptor | undefined;
}

/**
 * The options of `preparationOf`.
 *
 * @property note       told what had to be assumed
 * @property normalize  in place of the stored normalisation
 * @property assume     false: a record that does not say the normalisation is refused; default true: of a model of one channel it is
 *                      MNIST's, of one of three ImageNet's
 */
export interface PreparationOptions {
  note: (text: string) => void;
  normalize?: Normalization | undefined;
  assume?: boolean;
}

/**
 * Reads the preparation of a model's images from its record. Where that does not say the normalisation, the data set does. 1000 classes
 * without names, and without a data set, are those of ImageNet-1k.
 *
 * @throws CheckpointError, InputError naming a key that cannot be used
 */
export function preparationOf(
  record: ModelRecord,
  { inputShape, numClasses }: Pick<Model, 'inputShape' | 'numClasses'>,
  options: PreparationOptions,
): Preparation {
  const descriptor = descriptorIn(record);
  const preprocessing =
    foreignPreprocessing(record, inputShape, options) ??
    preprocessingOf(record, descriptor, inputShape, options);
  const classNames =
    classNamesOf(record, numClasses) ??
    descriptor?.classNames ??
    imagenetNames(record, numClasses, options);
  return { preprocessing, classNames, descriptor };
}

// timm's are those of its data set, and a head of other classes is usual there; ours were stored for this head.
function classNamesOf(record: ModelRecord, numClasses: number): readonly string[] | undefined {
  const names = record['classNames'];
  if (names == null || numClasses === 0) {
    const given = timmPreparation(record)?.classNames ?? huggingFaceClassNames(record);
    return given?.length === numClasses ? given : undefined;
  }
  if (!Array.isArray(names) || names.length !== numClasses) {
    const received = Array.isArray(names) ? `${names.length} names` : names;
    throw new InputError(
      expected(`${numClasses} names, one a class`, 'classNames in config.json', received),
    );
  }
  return names.map((name: unknown, k) => {
    if (typeof name === 'string' || typeof name === 'number') return String(name);
    throw new InputError(expected('a name', `classNames[${k}] in config.json`, name));
  });
}

// Published weights of 1000 classes are those of ImageNet-1k; a run says its data set.
function imagenetNames(
  { data }: ModelRecord,
  numClasses: number,
  { note }: PreparationOptions,
): readonly string[] | undefined {
  if (numClasses !== IMAGENET_CLASSES.length || data != null) return undefined;
  note('Nothing stored names the 1000 classes: they are taken to be those of ImageNet-1k.');
  return IMAGENET_CLASSES;
}

function descriptorIn({ data }: ModelRecord): DatasetDescriptor | undefined {
  const name = isRecord(data) ? data['dataset'] : undefined;
  return typeof name === 'string' && datasetNames().includes(name)
    ? datasetDescriptor(name)
    : undefined;
}

// Files of before there was a preprocessing have its normalisation alone, or nothing.
function preprocessingOf(
  record: ModelRecord,
  descriptor: DatasetDescriptor | undefined,
  [height, width, channels]: readonly [number, number, number],
  options: PreparationOptions,
): Preprocessing {
  const { preprocessing, normalize: old } = record;
  if (preprocessing != null) {
    const stored = parsePreprocessing(preprocessing, channels);
    return { ...stored, normalize: options.normalize ?? stored.normalize };
  }
  const stored = old == null ? undefined : parseNormalization(old, channels);
  return makePreprocessing({
    decode: descriptor?.decode,
    size: [height, width],
    normalize: options.normalize ?? stored ?? descriptor?.normalize ?? assumed(channels, options),
  });
}

// A folder of timm's hub or of Hugging Face: the mean and deviation of its weights. They were trained on images that PIL decoded.
function foreignPreprocessing(
  record: ModelRecord,
  [height, width, channels]: readonly [number, number, number],
  options: PreparationOptions,
): Preprocessing | undefined {
  const timm = timmPreparation(record);
  const given = timm ?? huggingFacePreparation(record);
  if (given === undefined) return undefined;
  const where = timm === undefined ? preprocessorName : 'pretrained_cfg of config.json';
  const { mean, std, interpolation = 'bicubic', cropMode = 'center', cropPct } = given;
  const known = <T extends string>(words: readonly T[], word: unknown, otherwise: T): T => {
    if (words.includes(word as T)) return word as T;
    options.note(`${where} has ${show(word)}, which is not built yet: ${otherwise} is used.`);
    return otherwise;
  };
  const says = mean !== undefined || std !== undefined;
  const stored = (): Normalization =>
    says
      ? parseNormalization(spread({ mean, std }, channels), channels)
      : assumed(channels, options);
  return makePreprocessing({
    decode: 'pil',
    cropMode: known<CropMode>(['center', 'squash'], cropMode, 'center'),
    interpolation: known(resizeFilters, interpolation, 'bicubic'),
    size: [height, width],
    ...(typeof cropPct === 'number' && { cropPct }),
    normalize: options.normalize ?? stored(),
  });
}

// One number for all channels where a file has one.
function spread({ mean, std }: { mean: unknown; std: unknown }, channels: number) {
  const all = (value: unknown): unknown =>
    Array.isArray(value) && value.length === 1 ? Array<unknown>(channels).fill(value[0]) : value;
  return { mean: all(mean), std: all(std) };
}

function assumed(channels: number, { note, assume = true }: PreparationOptions): Normalization {
  if (!assume) {
    const remedy = 'Give {preprocessing: {normalize: {mean, std}}} as in training.';
    throw new InputError(expected('a stored normalisation', 'the model', undefined, remedy));
  }
  const [normalize, whose] =
    channels === 1 ? [MNIST_NORMALIZATION, "MNIST's"] : [IMAGENET_NORMALIZATION, "ImageNet's"];
  assertNormalization(normalize, channels);
  note(`config.json has no normalize: ${whose} mean and deviation are used.`);
  return normalize;
}
