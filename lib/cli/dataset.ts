// The data of an experiment: a registered data set, where its files are, and the transforms of its images.

import '../io/datasets.ts';
import '../fractaldb/datasets.ts';
import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { parseOptions } from '../core/option.ts';
import { datasetDescriptor, partsIn } from '../data/registry.ts';
import { makeTransforms } from '../data/transformRegistry.ts';
import { dataOptions } from './dataOptions.ts';
import type { DataConfig } from './dataOptionTypes.ts';
import type { Dataset } from '../data/dataset.ts';
import type { DecodeMode } from '../data/preprocessing.ts';
import type { DatasetDescriptor, DatasetPart, OpenDatasetOptions } from '../data/registry.ts';
import type { TransformStep } from '../data/transformRegistry.ts';

export type { DataConfig };

/** Checks a data config; the keys of older versions are read too. @throws InputError naming the key */
export function parseDataConfig(value: unknown): DataConfig {
  if (!isRecord(value)) {
    throw new InputError(expected('an object with dataset', 'data', value));
  }
  const given = withoutNulls(renamed(value));
  // First, because its error lists the data sets there are.
  const { name: dataset } = datasetDescriptor(given['dataset']);
  const parsed = parseOptions<DataConfig>(dataOptions, given, { name: 'data', what: 'data' });
  for (const key of ['trainTransforms', 'evalTransforms'] as const) {
    if (parsed[key] !== undefined) makeTransforms(parsed[key], `data.${key}`);
  }
  return { ...parsed, dataset };
}

function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
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
 * @param options.decode  how its image files are decoded; default as the data set says
 * @param options.onNote  is told what a person should know about the files
 * @param options.bad     notes damaged image files; default: the first one is an error
 * @throws InputError if it has no such part; IoError, InputError if its files are missing or not what they should be
 */
export async function openPart(
  config: DataConfig,
  part: DatasetPart,
  { decode, ...told }: PartOptions & { decode?: DecodeMode } = {},
): Promise<Dataset> {
  const descriptor = descriptorOf(config);
  const { title, decode: usual = 'display' } = descriptor;
  const parts = partsIn(descriptor, config.folder);
  if (!parts.includes(part)) {
    throw new InputError(expected(`one of ${parts.join(', ')}`, `the part of ${title}`, part));
  }
  const { folder, allowEmptyClasses, decode: chosen = usual } = config;
  return descriptor.open({ part, folder, allowEmptyClasses, decode: decode ?? chosen, ...told });
}

/** The receivers of the news of a part: notes, and damaged images. */
export type PartOptions = Pick<OpenDatasetOptions, 'onNote' | 'bad' | 'inputSize'>;

/** Opens a part of the data set if it has it. @throws as `openPart` */
export async function openIfThere(
  config: DataConfig,
  part: DatasetPart,
  options: PartOptions = {},
): Promise<Dataset | undefined> {
  const parts = partsIn(descriptorOf(config), config.folder);
  return parts.includes(part) ? openPart(config, part, options) : undefined;
}

/** The parts of a data set, opened; those that it does not have are undefined. */
export interface OpenedParts {
  readonly train: Dataset;
  readonly validation: Dataset | undefined;
  readonly test: Dataset | undefined;
}

/** Opens every part of the data set. @throws as `openPart` */
export async function openParts(config: DataConfig, options: PartOptions): Promise<OpenedParts> {
  return {
    train: await openPart(config, 'train', options),
    validation: await openIfThere(config, 'validation', options),
    test: await openIfThere(config, 'test', options),
  };
}

/** The part whose images are looked at and reported on: the test part, else what comes nearest. */
export function reportedPart(config: DataConfig): DatasetPart {
  const parts = partsIn(descriptorOf(config), config.folder);
  return (['test', 'validation', 'train'] as const).find((part) => parts.includes(part))!;
}
