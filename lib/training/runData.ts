// The data of a run: its loaders, and the record that a continuation is held against.

import { firstImages } from '../data/dataset.ts';
import { fingerprint } from '../data/fingerprint.ts';
import { Loader } from '../data/loader.ts';
import type { TrainEnv } from './run.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/** The batches to train on, of the first `limit` images. */
export function trainLoader(config: FullTrainConfig, env: TrainEnv): Loader {
  const { batchSize, seed, smoothing, dropLast, limit } = config;
  const { normalize, transforms = [] } = env;
  const dataset = limit === null ? env.train : firstImages(env.train, limit);
  const options = { batchSize, seed, smoothing, dropLast, normalize, transforms };
  return new Loader({ dataset, ...options, training: true });
}

/** The batches to evaluate on after each epoch, in order and as they are. */
export function validationLoader(config: FullTrainConfig, env: TrainEnv): Loader | undefined {
  const { batchSize, limitVal } = config;
  if (env.validation === undefined) return undefined;
  const dataset = limitVal === null ? env.validation : firstImages(env.validation, limitVal);
  return new Loader({ dataset, batchSize, normalize: env.normalize });
}

/**
 * What `config.json` holds: the config, and what of model and data a continuation must agree with.
 */
export async function recordOf(
  config: FullTrainConfig,
  env: TrainEnv,
  loader: Loader,
  validation: Loader | undefined,
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
    },
  };
}
