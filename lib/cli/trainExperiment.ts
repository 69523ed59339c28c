// The one function behind `tfjs-vit train` and `mnist/train.ts`: an experiment from its config to its run folder.

import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import { InputError, show } from '../core/errors.ts';
import { makePreprocessing } from '../data/preprocessing.ts';
import { partsOf } from '../training/runData.ts';
import { trainOptions } from '../training/options/train.ts';
import { idleTrainOptions } from '../training/trainConfig.ts';
import { assertBatchWillFit } from './batchMemory.ts';
import { evaluationOf, inputOf, sizeNote, transformsOf } from './augmentation.ts';
import { openParts, parseStoredData } from './dataset.ts';
import { parseExperiment } from './experiment.ts';
import { withOverrides } from './experimentOverrides.ts';
import { dataFacts, followData } from './followData.ts';
import { flagNameAt } from './flags.ts';
import { bestLines, testLines } from '../io/runLines.ts';
import { commandLine } from './invocation.ts';
import { tellReport } from './tellReport.ts';
import { withDynamicSize } from './progressiveModel.ts';
import { assertRunPlace } from './runPlace.ts';
import { runSamples, storedData, type RunSamples } from './runSamples.ts';
import { storedExperiment } from './storedExperiment.ts';
import { useBackend } from './useBackend.ts';
import type { Folder } from '../io/folder.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Precision } from '../core/precision.ts';
import type { Evaluation } from '../training/metrics.ts';
import type { FullTrainConfig, TrainConfig } from '../training/trainConfig.ts';
import type { TrainEnv } from '../training/run.ts';
import type { Model } from '../models/model.ts';
import type { Normalization } from '../data/normalize.ts';
import type { AugmentInput } from '../data/augment/createTransform.ts';
import type { DataConfig } from './dataOptionTypes.ts';
import type { TrainResult } from '../training/trainer.ts';
import type { RunSink } from '../core/runSink.ts';
import type { Terminal } from './command.ts';
import type { OpenedTeacher } from './openTeacher.ts';

/**
 * The options of `trainExperiment`.
 *
 * @property outputDir     the run folder; default the resumed one, else `runs/<name>`
 * @property resume        a run folder, or a file in one, to go on from: its stored config is used
 * @property overrides     the options that flags set, by path: `optimizer.weightDecay`. They override the config
 * @property overwrite     true: a run that is in the folder is replaced
 * @property allowChanges  true: go on although config or data differ from the stored ones
 * @property report        false: no report.html at the end; default true
 */
export interface TrainOptions extends BackendOptions {
  outputDir?: string | undefined;
  resume?: string | undefined;
  overrides?: ReadonlyMap<string, unknown>;
  overwrite?: boolean;
  allowChanges?: boolean;
  report?: boolean;
  loadReport?: boolean;
}

/**
 * Trains an experiment and keeps its run folder. SIGINT, SIGTERM, SIGQUIT and SIGHUP finish the step, save and end.
 *
 * @param config  an `ExperimentConfig`; undefined: the resumed run's
 * @throws VitError for whatever cannot be used, before anything is written
 */
export async function trainExperiment(
  config: unknown,
  options: TrainOptions,
  terminal: Terminal,
): Promise<TrainResult> {
  const { openFolder } = await import('../io/folder.ts');
  const { runFolderOf } = await import('../io/runFolder.ts');
  const { checkpointPath } = await import('../io/checkpointPath.ts');
  const { listenForSignals } = await import('../io/signals.ts');
  const { buildModel, parseModelOptions } = await import('../models/createModel.ts');
  const { openFineTuning } = await import('./fineTuning.ts');
  const { openTeacher } = await import('./openTeacher.ts');
  const { train } = await import('../training/trainer.ts');
  const { runFigures } = await import('../figures/runFigures.ts');
  const resumed =
    options.resume === undefined
      ? undefined
      : await runFolderOf(await checkpointPath(options.resume, terminal.error));
  const stored = resumed === undefined ? undefined : await storedExperiment(resumed);
  const { overrides = new Map<string, unknown>() } = options;
  const named = withOverrides(stored ?? config, overrides);
  // A run that goes on has its weights, and its own complete model.
  const tuning =
    stored === undefined
      ? await openFineTuning(named, terminal.error, { table: options.loadReport })
      : undefined;
  const given = tuning?.experiment ?? withDynamicSize(named);
  const { name, data, train: parsed } = parseExperiment(given);
  // In a stored run null says that it is older than valSplit; a new one stores the 0 that null stands for.
  const full =
    stored === undefined && parsed.valSplit === null ? { ...parsed, valSplit: 0 } : parsed;
  assertEffects(full, overrides);
  const outputDir = options.outputDir ?? resumed ?? path.join('runs', name);
  const { overwrite = false } = options;
  await assertRunPlace(outputDir, { resumed, overwrite });
  const stop = listenForSignals({
    onSignal: (signal) => terminal.error(`${signal}: finishing the step, then saving.`),
  });
  const existed = existsSync(outputDir);
  let store: Folder | undefined;
  let taught: OpenedTeacher | undefined;
  let samples: RunSamples | undefined;
  let told = false;
  try {
    const { precision } = full;
    await useBackend({ ...options, precision }, terminal);
    samples = await runSamples(data, { resumed, onNote: terminal.error });
    let inputSize: readonly [number, number] = [1, 1];
    const said = { onNote: terminal.error, bad: samples.bad, inputSize: () => inputSize };
    const { train: training, validation, test } = await openParts(data, said);
    // A run of before there was valSplit goes on as it began, and keeps the null that says so.
    const isOld = stored !== undefined && full.valSplit === null;
    if (isOld) terminal.error(oldSelection);
    const parts = { train: training, ...(isOld ? { validation: test } : { validation, test }) };
    const facts = dataFacts(data, training);
    const modelConfig = parseModelOptions(followData(given['model'], facts));
    const batchSize = Math.min(full.batchSize, training.length);
    assertBatchWillFit(modelConfig, { option: '--batch-size', batchSize, training: true });
    const { model, train: trainConfig } = tuning?.build(full, facts) ?? {
      model: buildModel(modelConfig, { onWarning: terminal.error }),
      train: full,
    };
    try {
      const { input, normalize } = inputOf(data, model.inputShape, training.imageShape);
      inputSize = input.size;
      tuning?.compareNormalization(normalize);
      const note = sizeNote(input);
      if (note !== undefined) terminal.error(note);
      const { dataset: _, folder: __, ...prepared } = storedData(data);
      taught = await openTeacher(full.distillation, {
        numClasses: training.numClasses,
        key: {
          ...prepared,
          limit: full.limit,
          progressive: full.progressive,
          size: input.size,
          normalize,
        },
        note: terminal.error,
      });
      const snapshot = await snapshotOf(full, data, { model, parts, normalize, input });
      store = await openFolder(outputDir, { create: true, lock: true });
      const same = resumed !== undefined && path.resolve(resumed) === store.path;
      const resume =
        same || resumed === undefined ? undefined : await openFolder(resumed, { readOnly: true });
      const result = await train<Evaluation>(
        { ...trainConfig, model: model.config, data: { name, ...storedData(data) } },
        {
          model,
          ...parts,
          ...transformsOf(data, input),
          normalize,
          ...samples.env,
          teacher: taught?.teacher,
          preprocessing: evaluationOf(data, input),
          store,
          resume: same ? store : resume,
          overwrite,
          allowChanges: options.allowChanges ?? false,
          upgradeData,
          sinks: [
            ...(await sinksOf(
              store.path,
              { precision, numClasses: training.numClasses },
              terminal,
            )),
            { test: () => (told = true) },
          ],
          stop,
          figures: runFigures,
          snapshot,
        },
      );
      const { best, log } = result;
      const ended = result.reason === 'finished' || result.reason === 'earlyStop';
      if (ended && options.report !== false) {
        const run = { store, name, data, config: full, model, parts, log, stop, samples };
        await tellReport({ ...run, best: best?.epoch ?? null, reason: result.reason }, terminal);
      }
      tellEnd(result, { folder: outputDir, told }, terminal);
      samples.tellEnd(terminal.out);
      return result;
    } finally {
      model.dispose();
      await taught?.close();
    }
  } finally {
    stop.dispose();
    await samples?.close();
    await store?.close();
    // Nothing half-written stays: a folder that got no run is removed again, if it is empty.
    if (store !== undefined && !existed) await rmdir(store.path).catch(() => undefined);
  }
}

// The last lines: the result where no line of the run said it, the folder, and the command that comes next.
function tellEnd(
  { reason, epoch, best, test }: TrainResult,
  { folder, told }: { folder: string; told: boolean },
  { out }: Terminal,
): void {
  if (reason !== 'finished' && reason !== 'earlyStop') {
    out(`Go on with it: ${commandLine('train', '--resume', folder)}`);
    return;
  }
  const result = test === null ? bestLines(best, epoch) : testLines(test);
  if (!told) result.forEach((line) => out(line));
  out(
    `Saved in ${folder}. See what the model looks at: ${commandLine('vis', '--checkpoint', folder)}`,
  );
}

// The maker of snapshots, where the config asks for them: of validation images, or else of those that are trained on.
async function snapshotOf(
  config: FullTrainConfig,
  data: DataConfig,
  given: {
    model: Model;
    parts: Parameters<typeof partsOf>[1];
    normalize: Normalization;
    input: AugmentInput;
  },
): Promise<TrainEnv['snapshot']> {
  if (config.snapshots === null) return undefined;
  const { attentionSnapshots } = await import('./attentionSnapshots.ts');
  const { train, validation } = await partsOf(config, given.parts);
  const { size, ...evaluation } = evaluationOf(data, given.input);
  const preprocessing = makePreprocessing({ ...evaluation, size, normalize: given.normalize });
  return attentionSnapshots(given.model, validation ?? train, preprocessing);
}

const oldSelection =
  'The run to go on with holds out no validation images (it is older than --val-split): its best epoch is still chosen on the ' +
  'test part, and there is no test at the end.';

// Data of an older version in today's form, with the name of the experiment, as a run stores them.
function upgradeData(stored: unknown): unknown {
  const { name, data } = parseStoredData(stored);
  return { name, ...storedData(data) };
}

// A flag without effect is a mistake to be told before the run. The same in a config may be left over from another setting of
// its neighbours, and the run only says so.
function assertEffects(config: TrainConfig, overrides: ReadonlyMap<string, unknown>): void {
  for (const { path: place, reason } of idleTrainOptions(config)) {
    if (!overrides.has(place)) continue;
    const flag = flagNameAt(trainOptions, place);
    throw new InputError(
      `Expected no --${flag}, because ${reason}; received ${show(overrides.get(place))}. Leave the flag out, or change the other option.`,
    );
  }
}

async function sinksOf(
  folder: string,
  { precision, numClasses }: { precision: Precision; numClasses: number },
  terminal: Terminal,
): Promise<RunSink[]> {
  const { progressSink } = await import('../io/progressSink.ts');
  const { tensorboardSink } = await import('../io/tensorboard.ts');
  const events = tensorboardSink(path.join(folder, 'tensorboard'), { onFailure: terminal.error });
  const progress = progressSink({ numClasses });
  // The title appears with the first step, because unusable input is refused before it and then nothing is trained.
  let title: string | undefined = `Training into ${folder}, ${precision}`;
  const said = (): void => {
    if (title !== undefined) progress.message?.(title);
    title = undefined;
  };
  return [{ step: said, epoch: said }, progress, events];
}
