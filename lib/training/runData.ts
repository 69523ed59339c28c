// The data of a run: its loaders, and the record that a resumed run is compared with.

import { InputError, expected } from '../core/errors.ts';
import { labelSmoothing, thresholdTargets } from '../data/batchTransform.ts';
import { copyNotes } from '../data/copies.ts';
import { firstImages } from '../data/dataset.ts';
import { fingerprint } from '../data/fingerprint.ts';
import { Loader } from '../data/loader.ts';
import { makePreprocessing, shapingOf, type Preprocessing } from '../data/preprocessing.ts';
import { divisibleClasses, heldOutCount, holdOut } from '../data/split.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Run, TrainEnv } from './run.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/**
 * The three parts of the data, with a note for a person.
 *
 * @property train       the images to train on, before `limit`
 * @property validation  the images on which the best epoch is chosen; undefined: the last epoch counts as the best
 * @property test        the images of the one evaluation at the end
 * @property notes       sentences; none about the validation where the caller gave a validation part and no test part
 */
export interface RunParts {
  train: Dataset;
  validation: Dataset | undefined;
  test: Dataset | undefined;
  notes: readonly string[];
}

/**
 * Divides the data of a run: a validation part that the caller gives is used as it is, else `valSplit` training images are held
 * out. The test part is never used to choose.
 */
export async function partsOf(
  config: Pick<FullTrainConfig, 'valSplit' | 'limit' | 'limitVal'>,
  env: Pick<TrainEnv, 'train' | 'validation' | 'test'>,
): Promise<RunParts> {
  const { note, copies = [], ...parts } = await divided(config, env);
  const first = note === undefined ? [] : [note];
  return { ...parts, notes: [...first, ...copies, ...limitNotes(config, parts)] };
}

type Parts = Omit<RunParts, 'notes'>;

// One sentence for each limit that leaves nothing out.
function limitNotes(
  { limit, limitVal }: Pick<FullTrainConfig, 'limit' | 'limitVal'>,
  parts: Parts,
): string[] {
  const { train, validation, test } = parts;
  const notes: string[] = [];
  if (limit !== null && limit > train.length) {
    notes.push(`limit ${limit} has no effect: there are ${train.length} images to train on.`);
  }
  const evaluated = [validation, test].flatMap((part) => (part === undefined ? [] : [part.length]));
  if (limitVal !== null && !evaluated.some((length) => length >= limitVal)) {
    const most = Math.max(0, ...evaluated);
    notes.push(`limitVal ${limitVal} has no effect: there are ${most} images to evaluate on.`);
  }
  return notes;
}

async function divided(
  { valSplit }: Pick<FullTrainConfig, 'valSplit'>,
  { train, validation, test }: Pick<TrainEnv, 'train' | 'validation' | 'test'>,
): Promise<Parts & { note: string | undefined; copies?: readonly string[] }> {
  if (validation !== undefined) {
    const note = `The best epoch is chosen on the validation part of the data, ${validation.length} images; nothing is held out.`;
    return {
      train,
      validation,
      test,
      note: test === undefined && valSplit === null ? undefined : note,
    };
  }
  // A fraction gives an image of each class at least.
  const count = heldOutCount(valSplit ?? 0, train.length, divisibleClasses(train));
  if (count === 0) {
    const note = 'No validation images (valSplit 0): the last epoch counts as the best.';
    return { train, validation: undefined, test, note };
  }
  const keys = await train.contentKeys?.();
  const parts = holdOut(train, count, keys);
  const copies = keys === undefined ? [] : copyNotes(train, keys);
  if (parts.validation.length === 0) {
    const none =
      'No validation images, because the images of each class are copies of one: the last epoch counts as the best.';
    return { train, validation: undefined, test, note: none, copies };
  }
  const note = `Held out for validation: ${parts.validation.length} of ${train.length} training images, the same ones always. The best epoch is chosen on them.`;
  return { ...parts, test, note, copies };
}

/** How an image file becomes the input of the run's model; the size is that of the images unless `env` says another. */
export function preprocessingOf({
  train,
  normalize,
  preprocessing,
}: Pick<TrainEnv, 'train' | 'normalize' | 'preprocessing'>): Preprocessing {
  const size = preprocessing?.size ?? train.imageShape?.slice(0, 2);
  if (size === undefined) {
    const why = 'The images of the data set differ in size.';
    throw new InputError(expected('[H, W]', 'preprocessing.size', undefined, why));
  }
  return makePreprocessing({ ...preprocessing, normalize, size: size as [number, number] });
}

/** The preparation of the images of a loader: their preprocessing, and the transforms before it. */
export type Preparation = Pick<
  TrainEnv,
  'trainTransforms' | 'evalTransforms' | 'batchTransforms' | 'repeats' | 'samples'
> & { preprocessing: Preprocessing };

/** The batches to train on, of the first `limit` images. */
export function trainLoader(
  config: Pick<
    FullTrainConfig,
    'batchSize' | 'seed' | 'smoothing' | 'targetThreshold' | 'dropLast' | 'limit'
  >,
  { preprocessing, trainTransforms = [], batchTransforms = [], repeats = 1, samples }: Preparation,
  train: Dataset,
): Loader {
  const { batchSize, seed, smoothing, targetThreshold, dropLast, limit } = config;
  const smoothed = smoothing === 0 ? [] : [labelSmoothing(smoothing)];
  const dataset = limit === null ? train : firstImages(train, limit);
  // The crop of the middle is that of evaluation.
  const { cropPct: _, ...whole } = preprocessing;
  const { outputShape, transforms } = shapingOf(dataset, whole);
  return new Loader({
    dataset,
    batchSize,
    seed,
    repeats,
    dropLast,
    normalize: preprocessing.normalize,
    outputShape,
    trainTransforms: [...trainTransforms, ...transforms],
    batchTransforms:
      targetThreshold === null
        ? [...smoothed, ...batchTransforms]
        : [...batchTransforms, thresholdTargets(targetThreshold), ...smoothed],
    training: true,
    samples,
  });
}

/** The batches of a part to evaluate on, its first `limitVal` images in order. */
export function evaluationLoader(
  { batchSize, limitVal }: Pick<FullTrainConfig, 'batchSize' | 'limitVal'>,
  { preprocessing, evalTransforms = [], samples }: Preparation,
  part: Dataset,
): Loader {
  const dataset = limitVal === null ? part : firstImages(part, limitVal);
  const { outputShape, transforms } = shapingOf(dataset, preprocessing);
  return new Loader({
    dataset,
    batchSize,
    normalize: preprocessing.normalize,
    outputShape,
    evalTransforms: [...evalTransforms, ...transforms],
    samples,
  });
}

interface RecordedData extends Pick<Run, 'loader' | 'validation' | 'test'> {
  preprocessing: Preprocessing;
}

/**
 * The content of `config.json`: the config, and the properties of model and data that a resumed run must agree with.
 */
export async function recordOf(
  config: FullTrainConfig,
  env: TrainEnv<unknown>,
  { preprocessing, loader, validation, test }: RecordedData,
): Promise<Record<string, unknown>> {
  const { dataset } = loader.config;
  return {
    ...config,
    ...(env.task === undefined ? {} : { task: env.task.name }),
    model: env.model.config ?? config.model,
    classNames: dataset.classNames,
    imageShape: loader.config.outputShape,
    preprocessing,
    fingerprints: {
      train: await fingerprint(dataset),
      validation: validation === undefined ? null : await fingerprint(validation.config.dataset),
      ...(test === undefined ? {} : { test: await fingerprint(test.config.dataset) }),
      ...(env.teacher === undefined ? {} : { teacher: env.teacher.fingerprint }),
    },
  };
}
