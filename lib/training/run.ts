// A run in the making: its parts put together from the config, at the start or from a stored run.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { loadModelTensors } from '../checkpoints/modelState.ts';
import { assertShape } from '../core/check.ts';
import { InputError } from '../core/errors.ts';
import type { FileStore, RunSink } from '../core/store.ts';
import type { Stop } from '../core/stop.ts';
import type { Dataset } from '../data/dataset.ts';
import { Loader } from '../data/loader.ts';
import type { Normalization } from '../data/normalize.ts';
import type { Transform } from '../data/transform.ts';
import { Ema } from './ema.ts';
import { assertFiniteWeights } from './guard.ts';
import { makeOptimizer } from './optimizer.ts';
import type { Optimizer } from './optimizer.ts';
import { readRun, runFileNames, runFiles } from './runFiles.ts';
import type { StoredRun } from './runFiles.ts';
import { fingerprint, initialState } from './runState.ts';
import type { RunState } from './runState.ts';
import { makeSchedule } from './schedules.ts';
import type { Schedule } from './schedules.ts';
import { combineSinks } from './sinks.ts';
import { configDifferences, parseTrainConfig } from './trainConfig.ts';
import type { FullTrainConfig, TrainConfig } from './trainConfig.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * What a run works with besides its config.
 *
 * @property model         is trained in place; stays the caller's
 * @property train         the images to train on
 * @property validation    the images to evaluate on after each epoch; default: no evaluation
 * @property transforms    augmentation of the training images
 * @property normalize     mean and deviation of the channels
 * @property store         the run folder
 * @property resume        the run folder to go on from; may be `store`
 * @property allowChanges  true: go on although the config or the data differ from the stored ones; default false
 * @property sinks         who is told of the progress
 * @property stop          looked at between steps
 */
export interface TrainEnv {
  model: TrainableModel;
  train: Dataset;
  validation?: Dataset | undefined;
  transforms?: readonly Transform[];
  normalize: Normalization;
  store: FileStore;
  resume?: FileStore | undefined;
  allowChanges?: boolean;
  sinks?: readonly RunSink[];
  stop?: Stop | undefined;
}

/** The parts of a run. `record` is what `config.json` holds. */
export interface Run {
  readonly config: FullTrainConfig;
  readonly record: Record<string, unknown>;
  readonly model: TrainableModel;
  readonly weights: ReadonlyMap<string, tf.Variable>;
  readonly loader: Loader;
  readonly validation: Loader | undefined;
  readonly updatesPerEpoch: number;
  readonly schedule: Schedule;
  readonly optimizer: Optimizer;
  readonly ema: Ema | undefined;
  readonly store: FileStore;
  readonly sinks: Required<RunSink>;
  readonly stop: Stop | undefined;
  readonly state: RunState;
}

/**
 * Builds a run and writes its first complete set of files, so that it can be gone on with from whatever moment.
 *
 * @throws InputError, CheckpointError before anything is written: see `train`
 */
export async function openRun(given: TrainConfig, env: TrainEnv): Promise<Run> {
  const config = parseTrainConfig(given);
  const { model, store, resume, stop } = env;
  const loader = trainLoader(config, env);
  const validation = validationLoader(config, env);
  const updatesPerEpoch = Math.ceil(loader.steps / config.accumulationSteps);
  const schedule = makeSchedule(config.learningRate, {
    stepOnEpochs: false,
    numEpochs: config.epochs,
    ...config.schedule,
    updatesPerEpoch,
  });
  assertFits(model, loader);
  const record = await recordOf(config, env, loader, validation);
  const sinks = combineSinks(env.sinks ?? []);
  const stored = resume === undefined ? undefined : await readRun(resume);
  if (stored === undefined) await assertFiniteWeights(model);
  else restoreWeights(model, stored, record, env, sinks);

  const weights = model.namedParameters();
  const optimizer = makeOptimizer(model, {
    ...config.optimizer,
    learningRate: config.learningRate,
  });
  let ema: Ema | undefined;
  try {
    ema = config.ema === null ? undefined : new Ema(weights, config.ema);
    if (stored !== undefined) {
      optimizer.restore(stored.moments, stored.state.step);
      if (stored.average !== undefined) ema?.restore(stored.average);
    }
    const state = stored?.state ?? initialState();
    const parts = { config, record, model, weights, loader, validation, updatesPerEpoch };
    const run = { ...parts, schedule, optimizer, ema, store, sinks, stop, state };
    await writeFirst(run, resume);
    return run;
  } catch (error) {
    optimizer.dispose();
    ema?.dispose();
    throw error;
  }
}

/** Writes the run as it stands, as one set. `extra`: more files of the set. */
export async function saveRun(
  run: Run,
  { isBest = false, extra = new Map() }: SaveOptions = {},
): Promise<void> {
  const { record, state, weights, ema, optimizer, store } = run;
  const content = { config: record, state, weights, average: ema?.averages };
  const files = await runFiles({ ...content, moments: optimizer.state() }, { isBest });
  for (const [name, bytes] of extra) files.set(name, bytes);
  await store.commit(files, { epoch: state.epoch, step: state.step, best: state.best });
}

/** Options of `saveRun`. */
export interface SaveOptions {
  isBest?: boolean;
  extra?: ReadonlyMap<string, Uint8Array>;
}

/** Frees what the run made; the model stays. */
export function disposeRun(run: Run): void {
  run.optimizer.dispose();
  run.ema?.dispose();
}

function trainLoader(config: FullTrainConfig, env: TrainEnv): Loader {
  const { batchSize, seed, smoothing, dropLast, limit } = config;
  const { normalize, transforms = [] } = env;
  const dataset = limited(env.train, limit);
  const options = { batchSize, seed, smoothing, dropLast, normalize, transforms };
  return new Loader({ dataset, ...options, training: true });
}

function validationLoader(config: FullTrainConfig, env: TrainEnv): Loader | undefined {
  if (env.validation === undefined) return undefined;
  const dataset = limited(env.validation, config.limitVal);
  return new Loader({ dataset, batchSize: config.batchSize, normalize: env.normalize });
}

// The first images of a data set.
function limited(dataset: Dataset, limit: number | null): Dataset {
  if (limit === null || limit >= dataset.length) return dataset;
  const { numClasses, classNames, imageShape } = dataset;
  return {
    length: limit,
    numClasses,
    classNames,
    imageShape,
    image: (index) => dataset.image(index),
    label: (index) => dataset.label(index),
  };
}

// One forward pass, so that a model of other images or classes is refused before anything is written.
function assertFits(model: TrainableModel, { config: { dataset } }: Loader): void {
  const [height, width, channels] = dataset.imageShape;
  t.tidy(() => {
    const logits = model.forward(t.zeros([1, height, width, channels]));
    assertShape('the logits of the model', logits, [1, dataset.numClasses]);
  });
}

async function recordOf(
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

function restoreWeights(
  model: TrainableModel,
  stored: StoredRun,
  record: Record<string, unknown>,
  { allowChanges = false }: TrainEnv,
  sinks: RunSink,
): void {
  // Through JSON, as the stored one went.
  const differences = configDifferences(stored.config, JSON.parse(JSON.stringify(record)));
  if (differences.length > 0 && !allowChanges) {
    throw new InputError(
      `Expected the configuration and data of the stored run, received others: ${differences.join('; ')}. ` +
        'Go on with the same, or allow the changes explicitly.',
    );
  }
  if (differences.length > 0) sinks.message?.(`Going on with changes: ${differences.join('; ')}.`);
  loadModelTensors(model, stored.weights);
}

// A run that goes on in its own folder has a complete set there already.
async function writeFirst(run: Run, resume: FileStore | undefined): Promise<void> {
  const { store, state, sinks } = run;
  if (resume === undefined) {
    if (await store.has(runFileNames.state))
      sinks.message(`Replacing the run in ${store.location}.`);
    await saveRun(run, { isBest: true });
    return;
  }
  sinks.message(
    `Going on after epoch ${state.epoch}, step ${state.step}, from ${resume.location}.`,
  );
  if (resume === store || resume.location === store.location) return;
  const best = await (resume.readChecked?.(runFileNames.best) ?? resume.read(runFileNames.best));
  await saveRun(run, { extra: new Map([[runFileNames.best, best]]) });
}
