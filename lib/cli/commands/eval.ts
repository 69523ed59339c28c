// `tfjs-vit eval`: loss and accuracy of a checkpoint.

import { InputError } from '../../core/errors.ts';
import { classLabel, percent, shorten } from '../../core/format.ts';
import { signalExitCodes } from '../../core/stop.ts';
import { dataOptions } from '../dataOptions.ts';
import {
  booleanFlag,
  computeFlags,
  flagsOf,
  neededNumber,
  numberFlag,
  sharedFlags,
  textFlag,
} from '../flags.ts';
import type { AugmentInput } from '../../data/augment/createTransform.ts';
import type { Preprocessing } from '../../data/preprocessing.ts';
import type { RunSamples } from '../runSamples.ts';
import type { Command } from '../command.ts';
import type { Evaluation } from '../../training/metrics.ts';

const { workers, 'max-bad': maxBad } = flagsOf(dataOptions);
const dataFlags = { workers: workers!, 'max-bad': maxBad! };

/** `tfjs-vit eval`: loss and accuracy of a checkpoint on its test set. */
export const evaluateCommand: Command = {
  name: 'eval',
  describe: 'Measure a checkpoint on the test set of the data it was trained on',
  flags: {
    checkpoint: sharedFlags.checkpointOrNewest,
    dataset: sharedFlags.dataset,
    config: {
      type: 'string',
      value: 'FILE',
      reads: true,
      describe: 'An experiment whose data are used',
      defaultText: 'what config.json beside the weights says',
    },
    'batch-size': { ...sharedFlags.batchSize, default: 200 },
    'limit-val': {
      type: 'integer',
      value: 'N',
      min: 1,
      aliases: ['limit'],
      describe: 'Only the first N images',
    },
    ...dataFlags,
    json: { type: 'boolean', describe: 'One JSON object on standard output' },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: sharedFlags.precision,
  },
  examples: [['eval --checkpoint runs/mnist', 'The best checkpoint of a run']],
  async run(args, terminal) {
    const { loadTrained } = await import('../trainedModel.ts');
    const { checkpointTitle } = await import('../checkpointTitle.ts');
    const { chooseCheckpoint } = await import('../defaultCheckpoint.ts');
    const { descriptorOf, openPart, reportedPart } = await import('../dataset.ts');
    const { transformsOf } = await import('../augmentation.ts');
    const { useBackend } = await import('../useBackend.ts');
    const { assertBatchFits } = await import('../batchMemory.ts');
    const { evaluate } = await import('../../training/evaluate.ts');
    const { evaluationLoader } = await import('../../training/runData.ts');
    const { assertClassifier } = await import('../classifier.ts');
    const { listenForSignals } = await import('../../io/signals.ts');
    const { runSamples } = await import('../runSamples.ts');
    const stop = listenForSignals();
    let samples: RunSamples | undefined;
    const compute = computeFlags(args);
    const { precision } = compute;
    await useBackend(compute, terminal);
    const config = textFlag(args, 'config');
    const checkpoint = await chooseCheckpoint(
      textFlag(args, 'checkpoint'),
      { dataset: textFlag(args, 'dataset'), needsData: config === undefined },
      terminal.error,
    );
    const trained = await loadTrained(checkpoint, terminal.error);
    try {
      const data = config === undefined ? trained.data : await dataOfConfig(config);
      if (data === undefined) {
        throw new InputError(
          'Expected --config FILE for eval: config.json beside the weights names no data.',
        );
      }
      const said = { workers: numberFlag(args, 'workers'), maxBad: numberFlag(args, 'max-bad') };
      samples = await runSamples(
        {
          ...data,
          ...(said.workers !== undefined && { workers: said.workers }),
          ...(said.maxBad !== undefined && { maxBad: said.maxBad }),
        },
        { onNote: terminal.error },
      );
      const part = reportedPart(data);
      if (part !== 'test') terminal.error(`There is no test part: the ${part} part is measured.`);
      const { model, preprocessing } = trained;
      assertClassifier(model, 'eval');
      const loader = evaluationLoader(
        {
          batchSize: neededNumber(args, 'batch-size'),
          limitVal: numberFlag(args, 'limit-val') ?? null,
        },
        { preprocessing, ...transformsOf(data, inputOf(preprocessing)), ...samples.env },
        await openPart(data, part, { decode: preprocessing.decode, bad: samples.bad }),
      );
      const { length } = loader.config.dataset;
      const batchSize = Math.min(length, neededNumber(args, 'batch-size'));
      assertBatchFits({ option: '--batch-size', model, batchSize, training: false });
      const began = performance.now();
      const result = await evaluate(model, loader, { stop, precision });
      if (result === undefined) return signalExitCodes[stop.signal ?? 'SIGINT'];
      samples.tellEnd(terminal.error, { isListed: false });
      const imagesPerSecond = (1000 * result.images) / (performance.now() - began);
      if (booleanFlag(args, 'json')) {
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
  },
};

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

function inputOf({ size, normalize: { mean } }: Preprocessing): AugmentInput {
  return { size, mean };
}

async function dataOfConfig(file: string) {
  const { readConfig } = await import('../readConfig.ts');
  const { parseExperiment } = await import('../experiment.ts');
  return parseExperiment(await readConfig(file)).data;
}
