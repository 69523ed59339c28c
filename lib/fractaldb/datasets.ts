// The published FractalDBs in the registry of data sets, put there when this file is loaded.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { registerDataset } from '../data/registry.ts';
import { fractalFolderDescriptor } from '../io/imageFolders.ts';
import { userCacheFolder } from './categoryCache.ts';
import { fractalDataset } from './dataset.ts';
import type { DatasetDescriptor } from '../data/registry.ts';
import type { FractalOptions } from '../fractal/optionTypes.ts';

/**
 * The descriptor of a FractalDB that is rendered while it is trained on: no validation part, nothing held out, all three channels
 * with mean and deviation 0.5. Its folder, if one is given, is that of the CSV files; without one the categories are searched, which is
 * told, and kept in the user's cache (`userCacheFolder`). A folder with pictures
 * in `train/<category>/*`, as the original and `tfjs-vit fractaldb` write them, is read and not rendered.
 *
 * The pictures are brought to the size of the model, as files would be.
 *
 * @example registerDataset(fractalDescriptor('small-fractals', 'small fractals', {categories: 100, size: 64, points: 20_000}));
 */
export function fractalDescriptor(
  name: string,
  title: string,
  options: FractalOptions,
): DatasetDescriptor {
  return {
    name,
    title,
    parts: ['train'],
    inputChannels: 3,
    normalize: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    decode: 'pil',
    valSplit: 0,
    async open(given) {
      const { part, folder, onNote } = given;
      if (part !== 'train') throw new InputError(expected('train', `the part of ${title}`, part));
      if (folder !== undefined && existsSync(join(folder, 'train'))) {
        return fractalFolderDescriptor.open(given);
      }
      const dataset = await fractalDataset({
        ...options,
        folder,
        onNote,
        cache: userCacheFolder(),
      });
      const { length, numClasses, classNames } = dataset;
      return {
        length,
        numClasses,
        classNames,
        image: (index) => dataset.image(index),
        source: (index) => dataset.source!(index),
        label: (index) => dataset.label(index),
      };
    },
  };
}

const published: readonly (readonly [name: string, options: FractalOptions])[] = [
  ['FractalDB-60', { categories: 60 }],
  ['FractalDB-1k', { categories: 1000 }],
  ['FractalDB-10k', { categories: 10_000 }],
  ['OFDB-1k', { categories: 1000, instances: 1 }],
  ['OFDB-21k', { categories: 21_000, instances: 1 }],
  ['1p-frac-1k', { categories: 1000, instances: 1, single: 0 }],
];

for (const [name, options] of published) {
  registerDataset(fractalDescriptor(name, name, options));
}
