// The data of a run: its loaders, and the record that a continuation is held against.

import { firstImages } from '../data/dataset.ts';
import { fingerprint } from '../data/fingerprint.ts';
import { Loader } from '../data/loader.ts';
import { heldOutCount, holdOut } from '../data/split.ts';
import type { Dataset } from '../data/dataset.ts';
import type { TrainEnv } from './run.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/**
 * The three parts of the data, and how a person is told of them.
 *
 * @property train       the images to train on, before `limit`
 * @property validation  the images on which the best epoch is chosen; undefined: the last epoch counts as the best
 * @property test        the images of the one evaluation at the end
 * @property note        one sentence; undefined where the caller gave a validation part and no test part
 */
export interface RunParts {
  train: Dataset;
  validation: Dataset | undefined;
  test: Dataset | undefined;
  note: string | undefined;
}

/**
 * Divides the data of a run: a validation part that the caller gives is used as it is, else `valSplit` training images are held
 * out. The test part is never used to choose.
 */
export function partsOf(
  { valSplit }: FullTrainConfig,
  { train, validation, test }: TrainEnv,
): RunParts {
  if (validation !== undefined) {
    const note = `The best epoch is chosen on the validation part of the data, ${validation.length} images; nothing is held out.`;
    return {
      train,
      validation,
      test,
      note: test === undefined && valSplit === null ? undefined : note,
    };
  }
  const count = heldOutCount(valSplit ?? 0, train.length);
  if (count === 0) {
    const note = 'No validation images (valSplit 0): the last epoch counts as the best.';
    return { train, validation: undefined, test, note };
  }
  const parts = holdOut(train, count);
  const note = `Held out for validation: ${count} of ${train.length} training images, the same ones always. The best epoch is chosen on them.`;
  return { ...parts, test, note };
}

/** The batches to train on, of the first `limit` images. */
export function trainLoader(config: FullTrainConfig, env: TrainEnv, train: Dataset): Loader {
  const { batchSize, seed, smoothing, dropLast, limit } = config;
  const { normalize, transforms = [] } = env;
  const dataset = limit === null ? train : firstImages(train, limit);
  const options = { batchSize, seed, smoothing, dropLast, normalize, transforms };
  return new Loader({ dataset, ...options, training: true });
}

/** The batches of a part to evaluate on, its first `limitVal` images in order and as they are. */
export function evaluationLoader(
  { batchSize, limitVal }: FullTrainConfig,
  { normalize }: TrainEnv,
  part: Dataset | undefined,
): Loader | undefined {
  if (part === undefined) return undefined;
  const dataset = limitVal === null ? part : firstImages(part, limitVal);
  return new Loader({ dataset, batchSize, normalize });
}

/**
 * What `config.json` holds: the config, and what of model and data a continuation must agree with.
 */
export async function recordOf(
  config: FullTrainConfig,
  env: TrainEnv,
  {
    loader,
    validation,
    test,
  }: { loader: Loader; validation: Loader | undefined; test: Loader | undefined },
): Promise<Record<string, unknown>> {
  const { dataset } = loader.config;
  return {
    ...config,
    model: env.model.config ?? config.model,
    classNames: dataset.classNames,
    imageShape: dataset.imageShape,
    normalize: env.normalize,
    fingerprints: {
      train: await fingerprint(dataset),
      validation: validation === undefined ? null : await fingerprint(validation.config.dataset),
      ...(test === undefined ? {} : { test: await fingerprint(test.config.dataset) }),
    },
  };
}
