// The one function behind `tfjs-vit eval` and `tfjs-vit train --eval`: loss and accuracy of a checkpoint.

import { InputError } from '../core/errors.ts';
import { classLabel, percent, shorten } from '../core/format.ts';
import { signalExitCodes } from '../core/stop.ts';
import { parseDataConfig, type DataConfig } from './dataset.ts';
import { withOverrides } from './experimentOverrides.ts';
import type { RunSamples } from './runSamples.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Precision } from '../core/precision.ts';
import type { Evaluation } from '../training/metrics.ts';
import type { Terminal } from './command.ts';
import type { WeightsChoice } from './trainedModel.ts';

/**
 * The options of an evaluation.
 *
 * @property checkpoint  a run folder, or a file; undefined: the newest run, else the shipped model
 * @property dataset     only a run that was trained on this data set is taken, where there is no checkpoint
 * @property config      the file of an experiment whose data are used; undefined: those stored beside the weights
 * @property overrides   what flags change in the data, by path: `data.folder`
 * @property workers     threads that prepare images, in place of the data's
 * @property maxBad      image files that may be damaged, in place of the data's
 * @property limitVal    only the first images
 * @property weights     which weights of the checkpoint, and of which model they are
 * @property json        true: the result is one JSON object
 */
export interface EvaluateOptions extends BackendOptions {
  checkpoint: string | undefined;
  dataset?: string | undefined;
  config?: string | undefined;
  overrides?: ReadonlyMap<string, unknown>;
  batchSize: number;
  limitVal?: number | undefined;
  workers?: number | undefined;
  maxBad?: number | undefined;
  weights?: WeightsChoice;
  json?: boolean;
  precision: Precision;
}

/**
 * Evaluates a checkpoint on the part of its data that is reported on, and says the result.
 *
 * @returns the exit code
 * @throws VitError for whatever cannot be used
 */
export async function evaluateCheckpoint(
  options: EvaluateOptions,
  terminal: Terminal,
): Promise<number> {
  const { loadTrained } = await import('./trainedModel.ts');
  const { checkpointTitle } = await import('./checkpointTitle.ts');
  const { chooseCheckpoint } = await import('./defaultCheckpoint.ts');
  const { descriptorOf, openPart, reportedPart } = await import('./dataset.ts');
  const { transformsOf } = await import('./augmentation.ts');
  const { useBackend } = await import('./useBackend.ts');
  const { assertBatchFits } = await import('./batchMemory.ts');
  const { evaluate } = await import('../training/evaluate.ts');
  const { evaluationLoader } = await import('../training/runData.ts');
  const { assertClassifier } = await import('./classifier.ts');
  const { listenForSignals } = await import('../io/signals.ts');
  const { runSamples } = await import('./runSamples.ts');
  const stop = listenForSignals();
  let samples: RunSamples | undefined;
  const { precision, config, overrides = new Map<string, unknown>(), json = false } = options;
  await useBackend(options, terminal);
  const checkpoint = await chooseCheckpoint(
    options.checkpoint,
    { dataset: options.dataset, needsData: config === undefined },
    terminal.error,
  );
  const trained = await loadTrained(checkpoint, terminal.error, options.weights);
  try {
    const stored = config === undefined ? trained.data : await dataOfConfig(config);
    const data = changedData(stored, overrides);
    if (data === undefined) {
      throw new InputError(
        'Expected --config FILE for eval: config.json beside the weights names no data.',
      );
    }
    const { workers, maxBad } = options;
    samples = await runSamples(
      {
        ...data,
        ...(workers !== undefined && { workers }),
        ...(maxBad !== undefined && { maxBad }),
      },
      { onNote: terminal.error },
    );
    const part = reportedPart(data);
    if (part !== 'test') terminal.error(`There is no test part: the ${part} part is measured.`);
    const { model } = trained;
    const cropPct = data.augment?.evalCropRatio;
    const isGiven = cropPct !== undefined && overrides.has('data.augment.evalCropRatio');
    const preprocessing = { ...trained.preprocessing, ...(isGiven && { cropPct }) };
    const { size, normalize } = preprocessing;
    assertClassifier(model, 'eval');
    const loader = evaluationLoader(
      { batchSize: options.batchSize, limitVal: options.limitVal ?? null },
      { preprocessing, ...transformsOf(data, { size, mean: normalize.mean }), ...samples.env },
      await openPart(data, part, {
        decode: preprocessing.decode,
        inputSize: () => size,
        bad: samples.bad,
      }),
    );
    const { length } = loader.config.dataset;
    const batchSize = Math.min(length, options.batchSize);
    assertBatchFits({ option: '--batch-size', model, batchSize, training: false });
    const began = performance.now();
    const result = await evaluate(model, loader, { stop, precision });
    if (result === undefined) return signalExitCodes[stop.signal ?? 'SIGINT'];
    samples.tellEnd(terminal.error, { isListed: false });
    const imagesPerSecond = (1000 * result.images) / (performance.now() - began);
    if (json) {
      const about = { checkpoint: trained.path, precision };
      terminal.out(JSON.stringify({ ...about, ...result, imagesPerSecond }));
      return 0;
    }
    const { title } = descriptorOf(data);
    const { classNames } = loader.config.dataset;
    terminal.out(`model   ${await checkpointTitle(trained.path)}`);
    terminal.out(
      `images  ${result.images} of the ${part} part of ${title}  (${imagesPerSecond.toFixed(0)} images/s)`,
    );
    terminal.out(`loss    ${result.loss.toFixed(4)}`);
    terminal.out(`top-1   ${percent(result.top1, 2)}`);
    // Among five classes or fewer the right one is always among the first five.
    if (classNames.length > 5) terminal.out(`top-5   ${percent(result.top5, 2)}`);
    for (const line of classTable(result, classNames)) terminal.out(line);
    return 0;
  } finally {
    stop.dispose();
    await samples?.close();
    trained.model.dispose();
  }
}

// The data with what flags change in them.
function changedData(
  data: DataConfig | undefined,
  overrides: ReadonlyMap<string, unknown>,
): DataConfig | undefined {
  const own = new Map([...overrides].filter(([path]) => path.startsWith('data.')));
  if (own.size === 0 || (data === undefined && !own.has('data.dataset'))) return data;
  return parseDataConfig(withOverrides({ data: data ?? {} }, own)['data']);
}

// Recall of each class and what its images were taken for, while that fits on a screen.
function classTable({ perClass, confusion }: Evaluation, names: readonly string[]): string[] {
  if (names.length > 20) return [];
  const axes =
    'Images of each class. Rows are the true classes' +
    (confusion === null ? ':' : ', columns the predicted ones:');
  const labels = names.map((_, k) => shorten(classLabel(k, names), 16));
  const width = Math.max(5, ...labels.map((name) => name.length));
  const counts = confusion?.map((row) =>
    row.map((count) => String(count).padStart(width)).join(' '),
  );
  const columns = confusion === null ? '' : labels.map((name) => name.padStart(width)).join(' ');
  const head = `${'class'.padStart(width)} ${'correct'.padStart(9)}  ${columns}`.trimEnd();
  const rows = labels.map((name, k) => {
    const recall = perClass[k]?.accuracy;
    const share = recall === null || recall === undefined ? '-' : percent(recall, 2);
    return `${name.padStart(width)} ${share.padStart(9)}  ${counts?.[k] ?? ''}`.trimEnd();
  });
  return ['', axes, head, ...rows];
}

async function dataOfConfig(file: string) {
  const { readConfig } = await import('./readConfig.ts');
  const { parseExperiment } = await import('./experiment.ts');
  return parseExperiment(await readConfig(file)).data;
}
