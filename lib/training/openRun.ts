// Builds a run from its options, its data and, when it is resumed, the stored run.

import { loadModelTensors } from '../checkpoints/modelState.ts';
import { CheckpointError, InputError, expected, listed } from '../core/errors.ts';
import { keepRecord } from '../core/modelRecord.ts';
import { defaultsOf } from '../core/option.ts';
import { parsePrecision } from '../core/precision.ts';
import type { RunSink } from '../core/runSink.ts';
import type { Normalization } from '../data/normalize.ts';
import { makePreprocessing } from '../data/preprocessing.ts';
import { assertPlace, writeFirst } from './beginRun.ts';
import { averageNotes } from './averageNotes.ts';
import { assertCanStopEarly } from './earlyStop.ts';
import { assertFiniteWeights } from './guard.ts';
import { trainOptions } from './options/train.ts';
import type { Run, TrainEnv } from './run.ts';
import { evaluationLoader, partsOf, preprocessingOf, recordOf, trainLoader } from './runData.ts';
import { resolutionNotes, resolutionStages } from './progressive.ts';
import { readRun } from './runFiles.ts';
import type { StoredRun } from './runFiles.ts';
import { resumeNotes } from './resumeNotes.ts';
import { scheduleNotes } from './scheduleNotes.ts';
import { combineSinks } from './sinks.ts';
import { frozenNotes } from './trainablePart.ts';
import { asStored, configDifferences, idleTrainOptions, parseTrainConfig } from './trainConfig.ts';
import { taskOf } from './taskOf.ts';
import type { TrainConfig } from './trainConfig.ts';
import type { TrainableModel } from './trainableModel.ts';
import { buildUpdates, disposeUpdates } from './updates.ts';

/**
 * Builds a run and writes its first complete set of files, so that it can be resumed from any moment on.
 *
 * @throws InputError, CheckpointError before anything is written: see `train`
 */
export async function openRun(options: TrainConfig, env: TrainEnv<unknown>): Promise<Run> {
  const config = parseTrainConfig(options);
  const task = taskOf(config, env);
  const { model, store, resume, stop, saveWaitSeconds = 60 } = env;
  await assertPlace(env);
  const parts = await partsOf(config, env);
  const preprocessing = preprocessingOf(env);
  const preparation = { ...env, preprocessing };
  const loader = trainLoader(config, preparation, parts.train);
  const stages = resolutionStages(loader, config, preparation);
  const validation = parts.validation && evaluationLoader(config, preparation, parts.validation);
  const test = parts.test && evaluationLoader(config, preparation, parts.test);
  assertCanStopEarly(config, validation);
  const training = stages.map((stage) => stage.loader);
  for (const part of new Set([loader, ...training, validation, test])) {
    if (part !== undefined) task.assertFits(model, part, { precision: config.precision });
  }
  const record = await recordOf(config, env, { preprocessing, loader, validation, test });
  keepRecord(model, record);
  const sinks = combineSinks(env.sinks ?? []);
  for (const { path, reason } of idleTrainOptions(options)) {
    sinks.message(`${path} has no effect, because ${reason}.`);
  }
  if (config.snapshots !== null && env.snapshot === undefined) {
    sinks.message('snapshots has no effect, because env has no snapshot.');
  }
  const stored = resume === undefined ? undefined : await readRun(resume);
  if (stored === undefined) await assertFiniteWeights(model);
  else restoreWeights(model, stored, record, env, sinks);

  const { communicator, figures, extraFiles, snapshot } = env;
  const updates = buildUpdates(model, config, {
    batchesPerEpoch: loader.steps,
    task,
    ...(communicator && { communicator }),
    ...(stored && { state: stored.state }),
  });
  try {
    if (stored !== undefined) {
      const forgets = config.deitCompat && stored.state.epoch < updates.epochs;
      if (forgets) updates.state.best = null;
      updates.optimizer.restore(stored.moments, stored.state.step);
      if (stored.average !== undefined) updates.ema?.restore(stored.average);
    }
    const saving = { unsaved: new Map<string, Uint8Array | string>(), saveWaitSeconds };
    const times = { start: 0, firstStep: 0, evaluating: { seconds: 0, images: 0 } };
    const given = {
      ...saving,
      times,
      record,
      loader,
      stages,
      validation,
      test,
      store,
      sinks,
      stop,
      figures,
      extraFiles,
      snapshot,
    };
    const run: Run = { ...updates, ...given };
    if (stored !== undefined) for (const note of resumeNotes(run, stored, env)) sinks.message(note);
    await writeFirst(run, resume);
    const notes = [
      ...parts.notes,
      ...frozenNotes(model, run.trainable),
      ...resolutionNotes(stages, run.epochs),
      ...scheduleNotes(config, run),
      ...averageNotes(config, run.epochs * run.updatesPerEpoch),
    ];
    for (const note of notes) sinks.message(note);
    return run;
  } catch (error) {
    disposeUpdates(updates);
    throw error;
  }
}

function restoreWeights(
  model: TrainableModel,
  stored: StoredRun,
  record: Record<string, unknown>,
  { allowChanges = false, upgradeData = (data) => data }: TrainEnv<unknown>,
  sinks: RunSink,
): void {
  const before = upgradeRecord(stored.config, upgradeData);
  const differences = configDifferences(before, asStored(record));
  if (differences.length > 0 && !allowChanges) {
    throw new InputError(
      `Expected the configuration and data of the stored run, received others: ${listed(differences, 12)}. ` +
        'Go on with the same, or allow the changes (allowChanges, --allow-changes).',
    );
  }
  if (differences.length > 0) sinks.message?.(`Going on with changes: ${differences.join('; ')}.`);
  loadModelTensors(model, stored.weights);
}

// Keys that older versions did not write get the values that those versions used. `normalize` is now part of `preprocessing`.
function upgradeRecord(
  { normalize, data, ...stored }: Record<string, unknown>,
  upgradeData: (data: unknown) => unknown,
): Record<string, unknown> {
  const { imageShape } = stored;
  if (!Array.isArray(imageShape)) {
    throw new CheckpointError(expected('[H, W, C]', 'imageShape of the stored run', imageShape));
  }
  const size = imageShape.slice(0, 2);
  const upgraded: Record<string, unknown> = {
    valSplit: null,
    preprocessing: makePreprocessing({
      size: size as [number, number],
      normalize: normalize as Normalization,
    }),
    ...stored,
    data: asStored({ data: upgradeData(data) })['data'],
    precision: parsePrecision(stored['precision'] ?? 'fp32'),
  };
  const missing = Object.entries(defaultsOf(trainOptions)).filter(([key]) => !(key in upgraded));
  return { ...upgraded, ...Object.fromEntries(missing) };
}
