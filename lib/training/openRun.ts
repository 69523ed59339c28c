// Builds a run from its options, its data and, when it goes on, the stored run.

import * as t from '../ops/tensor.ts';
import { loadModelTensors } from '../checkpoints/modelState.ts';
import { assertShape } from '../core/check.ts';
import { InputError, listed } from '../core/errors.ts';
import { parsePrecision, type Precision } from '../core/precision.ts';
import type { RunSink } from '../core/runSink.ts';
import type { FileStore } from '../core/store.ts';
import type { Loader } from '../data/loader.ts';
import type { Normalization } from '../data/normalize.ts';
import { makePreprocessing } from '../data/preprocessing.ts';
import { Ema } from './ema.ts';
import { assertFiniteWeights } from './guard.ts';
import { makeOptimizer } from './optimizer.ts';
import { saveRun } from './run.ts';
import type { Run, TrainEnv } from './run.ts';
import { evaluationLoader, partsOf, recordOf, trainLoader } from './runData.ts';
import { readRun, runFileNames } from './runFiles.ts';
import type { StoredRun } from './runFiles.ts';
import { initialState } from './runState.ts';
import { scheduleOf } from './schedules.ts';
import { combineSinks } from './sinks.ts';
import { configDifferences, idleTrainOptions, parseTrainConfig } from './trainConfig.ts';
import type { TrainConfig } from './trainConfig.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * Builds a run and writes its first complete set of files, so that it can be gone on with from whatever moment.
 *
 * @throws InputError, CheckpointError before anything is written: see `train`
 */
export async function openRun(options: TrainConfig, env: TrainEnv): Promise<Run> {
  const config = parseTrainConfig(options);
  const { model, store, resume, stop } = env;
  const parts = partsOf(config, env);
  const loader = trainLoader(config, env, parts.train);
  const validation = evaluationLoader(config, env, parts.validation);
  const test = evaluationLoader(config, env, parts.test);
  const updatesPerEpoch = Math.ceil(loader.steps / config.accumulationSteps);
  const schedule = scheduleOf(config, updatesPerEpoch);
  assertFits(model, loader, config.precision);
  const record = await recordOf(config, env, { loader, validation, test });
  const sinks = combineSinks(env.sinks ?? []);
  for (const { path, reason } of idleTrainOptions(options)) {
    sinks.message(`${path} has no effect, because ${reason}.`);
  }
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
    const given = { config, record, model, weights, loader, validation, test, updatesPerEpoch };
    const run = { ...given, schedule, optimizer, ema, store, sinks, stop, state };
    await writeFirst(run, resume);
    if (parts.note !== undefined) sinks.message(parts.note);
    return run;
  } catch (error) {
    optimizer.dispose();
    ema?.dispose();
    throw error;
  }
}

// One forward pass, so that a model of other images or classes is refused before anything is written.
function assertFits(
  model: TrainableModel,
  { config: { dataset, outputShape } }: Loader,
  precision: Precision,
): void {
  const [height, width, channels] = outputShape;
  t.tidy(() => {
    const logits = model.forward(t.zeros([1, height, width, channels]), { precision });
    assertShape('the logits of the model', logits, [1, dataset.numClasses]);
  });
}

function restoreWeights(
  model: TrainableModel,
  stored: StoredRun,
  record: Record<string, unknown>,
  { allowChanges = false, upgradeData = (data) => data }: TrainEnv,
  sinks: RunSink,
): void {
  const before = upgradeRecord(stored.config, upgradeData);
  const differences = configDifferences(before, asStored(record));
  if (differences.length > 0 && !allowChanges) {
    throw new InputError(
      `Expected the configuration and data of the stored run, received others: ${listed(differences)}. ` +
        'Go on with the same, or allow the changes explicitly.',
    );
  }
  if (differences.length > 0) sinks.message?.(`Going on with changes: ${differences.join('; ')}.`);
  if (stored.backend !== undefined && stored.backend !== t.getBackend()) {
    sinks.message?.(
      `Going on with backend ${t.getBackend()} instead of ${stored.backend}: equal up to rounding, not bit for bit.`,
    );
  }
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

// What an older version did not write yet was as it did it. `normalize` was a key of its own before it was part of `preprocessing`.
function upgradeRecord(
  { normalize, data, ...stored }: Record<string, unknown>,
  upgradeData: (data: unknown) => unknown,
): Record<string, unknown> {
  const size = (stored['imageShape'] as number[]).slice(0, 2);
  return {
    valSplit: null,
    preprocessing: makePreprocessing({
      size: size as [number, number],
      normalize: normalize as Normalization,
    }),
    ...stored,
    data: asStored({ data: upgradeData(data) })['data'],
    precision: parsePrecision(stored['precision'] ?? 'fp32'),
  };
}

// Through JSON, as the stored one went.
function asStored(record: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
}
