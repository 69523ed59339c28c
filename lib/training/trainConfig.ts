// The options of a training run, their defaults and their checks.

import { assertInteger, assertNumber, assertOneOf } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertValSplit } from '../data/split.ts';
import { parsePrecision, type Precision } from '../core/precision.ts';
import { assertClip } from './clip.ts';
import type { ClipConfig } from './clip.ts';
import type { EmaConfig } from './ema.ts';
import type { OptimizerConfig } from './updateRule.ts';
import type { ScheduleConfig } from './schedules.ts';

/**
 * Everything that decides a training run, as plain data: what `config.json` of a run folder holds.
 *
 * @property model              the model's configuration, for the record; the model itself is given to `train`
 * @property data               what the data are and how they are augmented, for the record
 * @property epochs             passes over the data
 * @property batchSize          images a batch
 * @property accumulationSteps  batches an update, whose gradients are averaged over the images; default 1
 * @property learningRate       after the warm-up, per update
 * @property seed               of order, augmentation and dropouts; default 0
 * @property loss               softmax: cross-entropy; binary: sigmoid cross-entropy of each class; default softmax
 * @property smoothing          ε of label smoothing, 0 … 1; default 0
 * @property optimizer          default AdamW with weight decay 0.05
 * @property schedule           `numEpochs` follows `epochs` unless given; default half a cosine, a new rate each update
 * @property clip               default null: no clipping
 * @property ema                a moving average of the weights, which is then what is evaluated; default null
 * @property dropLast           leave out an epoch's last batch when it is not full; default false
 * @property valSplit           training images that are held out for validation where the data have no validation part: a number
 *                              of images ≥ 1, or a fraction < 1 of them; 0 and null, the default: none
 * @property limit              train on the first images only, counted after the split; default null: all
 * @property limitVal           validate and test on the first images only; default null: all
 * @property maxSteps           end after this many updates of the run; default null
 * @property checkpointSteps    also save every so many updates within an epoch; default null
 * @property checkpointMinutes  also save when this many minutes have passed; default 5
 * @property precision          of the products, in training and evaluation; default fp32. Weights are float32 in each
 */
export interface TrainConfig {
  model?: unknown;
  data?: unknown;
  epochs: number;
  batchSize: number;
  accumulationSteps?: number;
  learningRate: number;
  seed?: number;
  loss?: 'softmax' | 'binary';
  smoothing?: number;
  optimizer?: Omit<OptimizerConfig, 'learningRate'>;
  schedule?: Omit<ScheduleConfig, 'numEpochs' | 'updatesPerEpoch'> & { numEpochs?: number };
  clip?: ClipConfig | null;
  ema?: EmaConfig | null;
  dropLast?: boolean;
  valSplit?: number | null;
  limit?: number | null;
  limitVal?: number | null;
  maxSteps?: number | null;
  checkpointSteps?: number | null;
  checkpointMinutes?: number | null;
  precision?: Precision;
}

/** A config with every default filled in. */
export type FullTrainConfig = Required<TrainConfig>;

const defaults = {
  model: null,
  data: null,
  accumulationSteps: 1,
  seed: 0,
  loss: 'softmax',
  smoothing: 0,
  optimizer: {},
  schedule: {},
  clip: null,
  ema: null,
  dropLast: false,
  valSplit: null,
  limit: null,
  limitVal: null,
  maxSteps: null,
  checkpointSteps: null,
  checkpointMinutes: 5,
  precision: 'fp32',
} as const satisfies Partial<TrainConfig>;

const partKeys = {
  optimizer: ['opt', 'weightDecay', 'betas', 'epsilon', 'momentum', 'nesterov', 'layerDecay'],
  schedule: [
    ...['sched', 'numEpochs', 'warmupEpochs', 'warmupLr', 'minLr', 'cooldownEpochs'],
    ...['warmupPrefix', 'stepOnEpochs', 'kDecay', 'cycleLimit', 'cycleMul', 'cycleDecay'],
    ...['decayEpochs', 'decayRate'],
  ],
  clip: ['mode', 'value'],
  ema: [
    ...['decay', 'kind', 'useWarmup', 'warmupGamma', 'warmupPower', 'minDecay'],
    'updateAfterStep',
  ],
} as const;

const required = ['epochs', 'batchSize', 'learningRate'] as const;

/**
 * The config with its defaults.
 *
 * Options of the optimizer, the schedule, clipping and the average are checked where those are made.
 *
 * @throws InputError naming an unknown key or the first value that cannot be used
 */
export function parseTrainConfig(config: TrainConfig): FullTrainConfig {
  assertKeys('a training option', config, [...required, ...Object.keys(defaults)]);
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  const full = { ...defaults, ...Object.fromEntries(given) } as FullTrainConfig;
  for (const key of ['epochs', 'batchSize', 'accumulationSteps'] as const) {
    assertInteger(key, full[key], { min: 1, max: 2 ** 31 });
  }
  for (const key of ['limit', 'limitVal', 'maxSteps', 'checkpointSteps'] as const) {
    if (full[key] !== null) assertInteger(key, full[key], { min: 1 });
  }
  if (full.valSplit !== null) assertValSplit(full.valSplit);
  if (full.checkpointMinutes !== null) {
    assertNumber('checkpointMinutes', full.checkpointMinutes, { min: 0 });
  }
  assertInteger('seed', full.seed, { min: 0 });
  assertNumber('learningRate', full.learningRate, { min: Number.MIN_VALUE });
  assertNumber('smoothing', full.smoothing, { min: 0, max: 1 });
  assertOneOf('loss', full.loss, ['softmax', 'binary']);
  full.precision = parsePrecision(full.precision);
  for (const [part, keys] of Object.entries(partKeys)) {
    const value = full[part as keyof typeof partKeys];
    if (value !== null) assertKeys(`an option of ${part}`, value, keys);
  }
  if (full.clip !== null) assertClip(full.clip);
  return full;
}

function assertKeys(what: string, value: object, keys: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new InputError(expected(`one of ${keys.join(', ')}`, what, unknown));
  }
}

/** What may differ between a run and its continuation: how long, and how often to save. */
const changeableKeys: ReadonlySet<string> = new Set([
  'epochs',
  'maxSteps',
  'checkpointSteps',
  'checkpointMinutes',
]);

/**
 * How two configs differ, one phrase each: `batchSize: 64 → 32`. Changeable keys are left out, and so is the order of keys.
 *
 * @param before, after  plain data
 */
export function configDifferences(before: unknown, after: unknown): string[] {
  const [a, b] = [leaves(before), leaves(after)];
  const paths = [...new Set([...a.keys(), ...b.keys()])];
  return paths
    .filter((path) => !changeableKeys.has(path.split('.')[0]!) && a.get(path) !== b.get(path))
    .map((path) => `${path}: ${a.get(path) ?? 'not set'} → ${b.get(path) ?? 'not set'}`);
}

// Every value that is no object, by its path of names joined by dots, as JSON.
function leaves(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Map(value === undefined ? [] : [[path, JSON.stringify(value)]]);
  }
  const entries = Object.entries(value);
  return new Map(
    entries.flatMap(([key, inner]) => [...leaves(inner, path === '' ? key : `${path}.${key}`)]),
  );
}
