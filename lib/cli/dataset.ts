// The data of an experiment: a registered data set, where its files are, and the transforms of its images.

import '../io/datasets.ts';
import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { datasetDescriptor } from '../data/registry.ts';
import { makeTransforms } from '../data/transformRegistry.ts';
import type { Dataset } from '../data/dataset.ts';
import type { DatasetDescriptor, DatasetPart } from '../data/registry.ts';
import type { Transform } from '../data/transform.ts';
import type { TransformStep } from '../data/transformRegistry.ts';

/**
 * The data of an experiment, as plain data.
 *
 * @property dataset          the name of a registered data set
 * @property folder           where its files are; default: where the data set has its own
 * @property trainTransforms  the augmentation of the training images: steps in the order of application; default none
 * @property evalTransforms   steps for the images of validation and test; default none
 *
 * @example {dataset: 'mnist', trainTransforms: [{name: 'randomElastic', strength: 0.3}, {name: 'randomAffine', degrees: 10}]}
 */
export interface DataConfig {
  dataset: string;
  folder?: string;
  trainTransforms?: readonly TransformStep[];
  evalTransforms?: readonly TransformStep[];
}

const keys = ['dataset', 'folder', 'trainTransforms', 'evalTransforms'];

/** Checks a data config; the keys of older versions are read too. @throws InputError naming the key */
export function parseDataConfig(value: unknown): DataConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(expected('an object with dataset', 'data', value));
  }
  const given = renamed(value as Record<string, unknown>);
  const unknown = Object.keys(given).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    const remedy = didYouMean(unknown, keys);
    throw new InputError(expected(`one of ${keys.join(', ')}`, 'data', unknown, remedy));
  }
  const { dataset, folder } = given;
  const config: DataConfig = { dataset: datasetDescriptor(dataset).name };
  if (folder !== undefined && folder !== null) {
    if (typeof folder !== 'string') throw new InputError(expected('a path', 'data.folder', folder));
    config.folder = folder;
  }
  for (const key of ['trainTransforms', 'evalTransforms'] as const) {
    const steps = given[key];
    if (steps === undefined || steps === null) continue;
    makeTransforms(steps, `data.${key}`);
    config[key] = steps as TransformStep[];
  }
  return config;
}

/** Checks the data of a stored run, which keeps the name of its experiment with them. @throws InputError naming the key */
export function parseStoredData(value: unknown): { name: unknown; data: DataConfig } {
  const { name, ...data } = (value ?? {}) as Record<string, unknown>;
  return { name, data: parseDataConfig(data) };
}

// Before transforms were a list there were two keys, applied in this order.
const renamedKeys = [
  ['elastic', 'randomElastic'],
  ['affine', 'randomAffine'],
] as const;

// The data in today's form, of whatever version they are.
function renamed(value: Record<string, unknown>): Record<string, unknown> {
  const given = { ...value };
  const steps: TransformStep[] = [];
  for (const [key, name] of renamedKeys) {
    const options = given[key];
    delete given[key];
    if (options === undefined || options === null) continue;
    if (typeof options !== 'object') {
      throw new InputError(expected('an object', `data.${key}`, options));
    }
    if (given['trainTransforms'] !== undefined) {
      const remedy = `Put {name: '${name}', …} into the list.`;
      throw new InputError(expected('no trainTransforms', `data with ${key}`, key, remedy));
    }
    steps.push({ name, ...options });
  }
  return steps.length === 0 ? given : { ...given, trainTransforms: steps };
}

/** The descriptor of the data set of a config. */
export function descriptorOf({ dataset }: DataConfig): DatasetDescriptor {
  return datasetDescriptor(dataset);
}

/**
 * Opens a part of the data set.
 *
 * @throws InputError if it has no such part; IoError, InputError if its files are missing or not what they should be
 */
export async function openPart(config: DataConfig, part: DatasetPart): Promise<Dataset> {
  const descriptor = descriptorOf(config);
  const { parts, title } = descriptor;
  if (!parts.includes(part)) {
    throw new InputError(expected(`one of ${parts.join(', ')}`, `the part of ${title}`, part));
  }
  return descriptor.open({ part, folder: config.folder });
}

/** Opens a part of the data set if it has it. @throws as `openPart` */
export async function openIfThere(
  config: DataConfig,
  part: DatasetPart,
): Promise<Dataset | undefined> {
  return descriptorOf(config).parts.includes(part) ? openPart(config, part) : undefined;
}

/** The part whose images are looked at and reported on: the test part, else what comes nearest. */
export function reportedPart(config: DataConfig): DatasetPart {
  const { parts } = descriptorOf(config);
  return (['test', 'validation', 'train'] as const).find((part) => parts.includes(part))!;
}

/** The transforms of the training images, and of the others. */
export function transformsOf({ trainTransforms = [], evalTransforms = [] }: DataConfig): {
  trainTransforms: Transform[];
  evalTransforms: Transform[];
} {
  return {
    trainTransforms: makeTransforms(trainTransforms, 'data.trainTransforms'),
    evalTransforms: makeTransforms(evalTransforms, 'data.evalTransforms'),
  };
}
