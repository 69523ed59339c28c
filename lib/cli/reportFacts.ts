// The facts of a run in lines, for its report.

import process from 'node:process';
import * as path from 'node:path';
import { percent } from '../core/format.ts';
import { sizeOf } from '../core/check.ts';
import { getBackend } from '../ops/tensor.ts';
import { isErasing, isMixing, parseAugmentOptions } from '../data/augment/createTransform.ts';
import { inputOf, stepsOf } from './augmentation.ts';
import { version } from './version.ts';
import { descriptorOf, type DataConfig } from './dataset.ts';
import type { EpochLog } from '../core/runSink.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Model } from '../models/model.ts';
import type { FactGroup } from '../report/runReport.ts';
import type { FullTrainConfig } from '../training/trainConfig.ts';

/** The run that the facts are of; `parts` as they were divided. */
export interface RunFacts {
  data: DataConfig;
  config: FullTrainConfig;
  model: Model;
  parts: { train: Dataset; validation?: Dataset | undefined; test?: Dataset | undefined };
  log: readonly EpochLog[];
}

/** The data, model, recipe and machine of a run in words. */
export function factsOf(run: RunFacts): FactGroup[] {
  return [dataFacts(run), modelFacts(run), recipeFacts(run), timeFacts(run)];
}

function dataFacts({ data, parts, config }: RunFacts): FactGroup {
  const { train, validation, test } = parts;
  const from =
    validation !== undefined && config.valSplit ? ', held out of the training images' : '';
  return {
    title: 'Data',
    facts: lines({
      'data set': descriptorOf(data).title,
      folder: data.folder === undefined ? undefined : path.resolve(data.folder),
      classes: train.numClasses,
      'images to train on': train.length,
      'images to validate on': validation && `${validation.length}${from}`,
      'images to test on': test?.length,
    }),
  };
}

function modelFacts({ config, model }: RunFacts): FactGroup {
  const given = (model.config ?? config.model ?? {}) as Record<string, unknown>;
  const parameters = [...model.namedParameters().values()].reduce(
    (sum, { shape }) => sum + sizeOf(shape),
    0,
  );
  return {
    title: 'Model',
    facts: lines({
      name: text(given['name']),
      parameters: `${(parameters / 1e6).toPrecision(2)} million`,
      input: model.inputShape.join(' × '),
      'patch size': text(given['patchSize']),
      width: text(given['embedDim']),
      depth: text(given['depth']),
      heads: text(given['numHeads']),
      'begun from': text(config.finetune),
    }),
  };
}

function recipeFacts({ config, data, model }: RunFacts): FactGroup {
  const { optimizer, schedule, ema, epochs, earlyStop, smoothing, accumulationSteps } = config;
  const { opt = 'adamw', weightDecay } = optimizer;
  const decay = weightDecay === undefined ? '' : `, weight decay ${weightDecay}`;
  const { sched = 'cosine', warmupEpochs } = schedule;
  const warm = warmupEpochs === undefined ? '' : `, ${warmupEpochs} epochs of warm-up`;
  const batch = accumulationSteps > 1 ? ` × ${accumulationSteps}` : '';
  return {
    title: 'Recipe',
    facts: lines({
      epochs:
        earlyStop === null ? epochs : `${epochs}, fewer after ${earlyStop} without a better one`,
      'batch size': `${config.batchSize}${batch}`,
      'learning rate': `${config.learningRate}, ${sched}${warm}`,
      optimizer: `${opt}${decay}`,
      augmentation: augmentation(data, model),
      'label smoothing': smoothing > 0 ? smoothing : undefined,
      'moving average': ema === null ? undefined : `decay ${ema.decay ?? 'by default'}`,
      precision: config.precision,
      seed: config.seed,
    }),
  };
}

function timeFacts({ log }: RunFacts): FactGroup {
  const [seconds, speed, wait] = [
    (entry: EpochLog) => entry.seconds,
    (entry: EpochLog) => entry.imagesPerSecond,
    (entry: EpochLog) => Number(entry['dataWait'] ?? 0),
  ].map((of) => log.reduce((sum, entry) => sum + of(entry), 0) / Math.max(1, log.length));
  return {
    title: 'Time',
    facts: lines({
      'an epoch': `${seconds!.toFixed(1)} s`,
      'training images a second': speed!.toFixed(0),
      'waiting for data': percent(wait!),
      backend: getBackend(),
      program: `tfjs-vit ${version()}, Node ${process.versions.node}`,
    }),
  };
}

// Options that follow from the size of the input, or say how pixels are resampled, would hide the rest.
const quiet = new Set(['height', 'width', 'ratio', 'interpolation', 'fill', 'translateConst']);

function augmentation(data: DataConfig, { inputShape }: Model): string {
  const steps = stepsOf(data, inputOf(data, inputShape).input).train.map(({ name, ...options }) => {
    const given = Object.entries(options).filter(([key]) => !quiet.has(key));
    const said = given.map(([key, value]) => `${key} ${text(value)}`);
    return said.length === 0 ? name : `${name} (${said.join(', ')})`;
  });
  if (data.augment !== undefined) {
    const full = parseAugmentOptions(data.augment);
    if (isErasing(full)) steps.push(`randomErasing (${full.reprob})`);
    if (isMixing(full)) steps.push(`mixup ${full.mixup}, cutmix ${full.cutmix}`);
    if (full.augRepeats > 1) steps.push(`${full.augRepeats} copies`);
  }
  return steps.length === 0 ? 'none' : steps.join(' → ');
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value))
    return value.join(value.length === 2 && value[0] === value[1] ? ' × ' : ' to ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

// Lines of those that have a value.
function lines(
  facts: Readonly<Record<string, string | number | undefined>>,
): [name: string, value: string][] {
  return Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
}
