// The config of a training: checked and complete, and how two of them differ.

import { isRecord } from '../core/check.ts';
import { idleOptions, parseOptions } from '../core/option.ts';
import { trainOptions } from './options/train.ts';
import type { IdleOption } from '../core/option.ts';
import type { TrainConfig } from './options/trainTypes.ts';

export type { TrainConfig };

/** A config with every default filled in; its groups (`optimizer`, `schedule`, `clip`, `ema`) hold what was given. */
export type FullTrainConfig = Required<TrainConfig>;

/**
 * The config with its defaults, checked by the descriptors in `options/`.
 *
 * @throws InputError naming an unknown key or the first value that cannot be used
 */
export function parseTrainConfig(config: TrainConfig): FullTrainConfig {
  return parseOptions(trainOptions, config, { what: 'a training option' });
}

/** The options that were given and have no effect beside the others: the momentum of sgd with adamw. */
export function idleTrainOptions(config: TrainConfig): IdleOption[] {
  const idle = idleOptions(trainOptions, config);
  const { numEpochs } = config.schedule ?? {};
  if (numEpochs !== undefined && numEpochs !== config.epochs) {
    idle.push({ path: 'epochs', reason: `schedule.numEpochs is ${numEpochs}` });
  }
  const { finetune = null, posEmbedInterpolation = null } = config;
  if (posEmbedInterpolation !== null && finetune === null) {
    idle.push({ path: 'posEmbedInterpolation', reason: 'there is no finetune' });
  }
  return idle;
}

/** A record as a file of a run gives it back: it went through JSON. */
export function asStored(record: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
}

/** The options that may differ between a run and its continuation: how long, how often to save, how many files may be damaged. */
const changeableKeys: ReadonlySet<string> = new Set([
  'epochs',
  'earlyStop',
  'minEpochs',
  'maxSteps',
  'checkpointSteps',
  'checkpointMinutes',
  'snapshots',
  'data.maxBad',
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
    .filter((path) => !changeableKeys.has(path) && a.get(path) !== b.get(path))
    .map((path) => `${path}: ${a.get(path) ?? 'not set'} → ${b.get(path) ?? 'not set'}`);
}

// Every value that is no object, by its path of names joined by dots, as JSON.
function leaves(value: unknown, path = ''): Map<string, string> {
  if (!isRecord(value)) {
    return new Map(value === undefined ? [] : [[path, JSON.stringify(value)]]);
  }
  const entries = Object.entries(value);
  return new Map(
    entries.flatMap(([key, inner]) => [...leaves(inner, path === '' ? key : `${path}.${key}`)]),
  );
}
