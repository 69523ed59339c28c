// CIFAR-10 and CIFAR-100 from their binary files.

import { join } from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { MemoryDataset } from '../data/dataset.ts';
import type { Normalization } from '../data/normalize.ts';
import type { DatasetDescriptor } from '../data/registry.ts';
import { readBytes } from './disk.ts';

/** Mean and deviation of CIFAR-10's training images. */
export const CIFAR10_NORMALIZATION: Normalization = {
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
};

/** Mean and deviation of CIFAR-100's training images. */
export const CIFAR100_NORMALIZATION: Normalization = {
  mean: [0.5071, 0.4865, 0.4409],
  std: [0.2673, 0.2564, 0.2762],
};

// Files of each part, the label's place in a record, and the file of class names.
const layouts = {
  CIFAR10: {
    train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
    test: ['test_batch.bin'],
    labelBytes: 1,
    names: 'batches.meta.txt',
    K: 10,
  },
  // The first label of a record is the superclass.
  CIFAR100: {
    train: ['train.bin'],
    test: ['test.bin'],
    labelBytes: 2,
    names: 'fine_label_names.txt',
    K: 100,
  },
} as const;

const side = 32;
const pixels = side * side;

/** CIFAR-10 in the registry of data sets, from the folder of `cifar-10-batches-bin`. */
export const cifar10Descriptor = descriptor('CIFAR10', 'CIFAR-10', CIFAR10_NORMALIZATION);

/** CIFAR-100 in the registry of data sets, from the folder of `cifar-100-binary`. */
export const cifar100Descriptor = descriptor('CIFAR100', 'CIFAR-100', CIFAR100_NORMALIZATION);

function descriptor(
  name: keyof typeof layouts,
  title: string,
  normalize: Normalization,
): DatasetDescriptor {
  return {
    name,
    // DeiT's CIFAR is CIFAR-100.
    aliases: [title, ...(name === 'CIFAR100' ? ['CIFAR'] : [])],
    title,
    parts: ['train', 'test'],
    inputChannels: 3,
    normalize,
    open: async ({ part, folder }) => {
      if (folder === undefined) {
        const remedy = `Give the folder with ${layouts[name].test[0]}: --data-path DIR.`;
        throw new InputError(expected('a folder', `the files of ${title}`, undefined, remedy));
      }
      return loadCifar(name, { folder, part: part === 'train' ? 'train' : 'test' });
    },
  };
}

/**
 * CIFAR-10 or CIFAR-100 in memory, [32, 32, 3] each.
 *
 * A record is the label (CIFAR-100: two, the second counts) and 3,072 bytes: the red, the green and the blue plane.
 *
 * @throws IoError if a file cannot be read; InputError if its length is no whole number of records, or a label is no class
 * Source: Krizhevsky 2009; the page of the data set, "Binary version".
 */
export async function loadCifar(
  name: keyof typeof layouts,
  { folder, part }: { folder: string; part: 'train' | 'test' },
): Promise<MemoryDataset> {
  const { labelBytes, names, K } = layouts[name];
  const record = labelBytes + 3 * pixels;
  const files = await Promise.all(
    layouts[name][part].map(async (file) => {
      const path = join(folder, file);
      const bytes = await readBytes(path, { maxBytes: 2 ** 28 });
      if (bytes.length === 0 || bytes.length % record !== 0) {
        const what = `a whole number of records of ${record} bytes`;
        const remedy = `The binary version of ${name} has such files, not the Python one.`;
        throw new InputError(expected(what, path, `${bytes.length} bytes`, remedy));
      }
      return { path, bytes };
    }),
  );
  const classNames = await classNamesOf(join(folder, names), K);
  const count = files.reduce((sum, { bytes }) => sum + bytes.length / record, 0);
  const images = new Uint8Array(count * 3 * pixels);
  const labels = new Int32Array(count);
  let i = 0;
  for (const { path, bytes } of files) {
    for (let at = 0; at < bytes.length; at += record, i += 1) {
      const label = bytes[at + labelBytes - 1]!;
      if (label >= K) {
        const place = `the label of record ${at / record} in ${path}`;
        throw new InputError(expected(`at most ${K - 1}`, place, label));
      }
      labels[i] = label;
      interleave(bytes.subarray(at + labelBytes, at + record), images, i * 3 * pixels);
    }
  }
  return new MemoryDataset({ images, labels, imageShape: [side, side, 3], classNames });
}

// Three planes as pixels of three channels.
function interleave(planes: Uint8Array, out: Uint8Array, offset: number): void {
  for (let p = 0; p < pixels; p += 1) {
    for (let c = 0; c < 3; c += 1) out[offset + 3 * p + c] = planes[c * pixels + p]!;
  }
}

async function classNamesOf(path: string, K: number): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(path, { maxBytes: 2 ** 16 }));
  const names = text.split(/\r?\n/).filter((line) => line !== '');
  if (names.length !== K) throw new InputError(expected(`${K} names`, path, names.length));
  return names;
}
