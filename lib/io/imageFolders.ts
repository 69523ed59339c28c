// Data sets of image files in folders, for the registry: ImageNet's layout, and a single folder of class folders.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { IMAGENET_NORMALIZATION } from '../data/normalize.ts';
import type { Dataset } from '../data/dataset.ts';
import type { DatasetDescriptor, OpenDatasetOptions } from '../data/registry.ts';
import { imageFolderDataset } from './imageFolder.ts';
import { cachedListing, knownListing } from './cachedListing.ts';
import { classFolders, numericOrderNote, type ImageListing } from './imageListing.ts';
import { overlapNote } from './overlap.ts';

/**
 * ImageNet's layout: `train/<class>/*` and `val/<class>/*`, decoded as Pillow does, which the published models were trained with.
 *
 * Both parts must have the same classes. The best epoch is chosen on `val`, and nothing of `train` is held out.
 */
export const imageNetDescriptor: DatasetDescriptor = {
  name: 'ImageNet',
  aliases: ['IMNET', 'ImageNet-1k'],
  title: 'ImageNet',
  parts: ['train', 'validation'],
  inputChannels: 3,
  normalize: IMAGENET_NORMALIZATION,
  decode: 'pil',
  async open(options) {
    const root = folderOf(options, 'train/<class>/… and val/<class>/…');
    const { allowEmptyClasses } = options;
    const train = join(root, 'train');
    if (existsSync(root) && !existsSync(train)) {
      const remedy = 'Class folders without train and val are the data set "folder".';
      throw new InputError(expected('a folder train', root, 'none', remedy));
    }
    if (options.part === 'train') {
      return opened(await cachedListing(train, { allowEmptyClasses }), options);
    }
    const place = join(root, 'val');
    if (!existsSync(place)) {
      const remedy = 'For a folder without one use the data set "folder", which holds images out.';
      throw new InputError(expected('a folder val', root, 'none', remedy));
    }
    const classNames = await classFolders(train);
    const validation = await cachedListing(place, { classNames, allowEmptyClasses });
    // Where the validation part alone is opened, as in eval, the training part is not listed for this.
    const training = knownListing(train, { allowEmptyClasses });
    const overlap = training && (await overlapNote(training, validation));
    if (overlap !== undefined) options.onNote?.(overlap);
    return opened(validation, options);
  },
};

/**
 * Class folders alone, in the folder itself or in its `train`: photographs of one's own, or a written FractalDB.
 *
 * Files are decoded as a viewer shows them, with their orientation. Images are held out for validation.
 */
export const imageFolderDescriptor: DatasetDescriptor = {
  name: 'folder',
  aliases: ['image_folder', 'ImageFolder'],
  title: 'the folder',
  parts: ['train'],
  inputChannels: 3,
  normalize: IMAGENET_NORMALIZATION,
  async open(options) {
    const root = folderOf(options, '<class>/…');
    const train = join(root, 'train');
    const { allowEmptyClasses } = options;
    return opened(
      await cachedListing(existsSync(train) ? train : root, { allowEmptyClasses }),
      options,
    );
  },
};

/**
 * FractalDB's layout, `train/<category>/*` alone, as `tfjs-vit fractaldb` and the original write it: nothing is held out, and files of
 * parameters beside the pictures are no images.
 */
export const fractalFolderDescriptor: DatasetDescriptor = {
  name: 'FractalDB',
  title: 'FractalDB',
  parts: ['train'],
  inputChannels: 3,
  normalize: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  decode: 'pil',
  valSplit: 0,
  open: (options) => imageFolderDescriptor.open(options),
};

function folderOf({ folder }: OpenDatasetOptions, layout: string): string {
  if (folder !== undefined) return folder;
  const remedy = `Give the folder with ${layout}: --data-path DIR.`;
  throw new InputError(expected('a folder', 'the images of the data set', undefined, remedy));
}

function opened(
  listing: ImageListing,
  { decode, inputSize, onNote, bad }: OpenDatasetOptions,
): Dataset {
  const { root, files, classNames, ignored } = listing;
  if (classNames.length === 1) {
    const remedy = 'A classifier tells classes apart: add a folder for another one.';
    const what = 'at least two class folders';
    throw new InputError(expected(what, root, `only ${classNames[0]}`, remedy));
  }
  const left = [
    [ignored.dotEntries, 'that begin with a dot or are folders of the system'],
    [ignored.otherFiles, 'that are no images'],
  ] as const;
  const said = left.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const rest = said.length === 0 ? '' : `; entries left out: ${said.join(', ')}`;
  onNote?.(`${root}: ${files.length} images of ${classNames.length} classes${rest}.`);
  const order = numericOrderNote(classNames);
  if (order !== undefined) onNote?.(order);
  return imageFolderDataset(listing, { decode, inputSize, bad });
}
