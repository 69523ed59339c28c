// The registry of data sets: descriptors by name, which also open the parts of a data set.

import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { RgbImage } from '../core/image.ts';
import type { Dataset } from './dataset.ts';
import type { Normalization } from './normalize.ts';
import type { DecodeMode } from './preprocessing.ts';

/** A part of a data set: `train` for training, `validation` for choosing the best epoch, `test` for reporting. */
export type DatasetPart = 'train' | 'validation' | 'test';

/**
 * The part of a data set to open, its folder, and how its files are read.
 *
 * @property folder  the folder of its files; default: where the data set has its own
 * @property decode  how image files are decoded, for a data set that consists of them: the mode that is stored with the model
 */
export interface OpenDatasetOptions {
  part: DatasetPart;
  folder?: string | undefined;
  decode?: DecodeMode;
}

/** An image adapted to a data set; `note` tells a person about the change, undefined where there is none. */
export interface AdaptedImage {
  image: RgbImage;
  note?: string;
}

/**
 * The description of a data set, as training and the command line need it.
 *
 * @property name           how a config names it: `mnist`
 * @property title          how a sentence names it: `MNIST`
 * @property parts          the parts that it has; `train` at least
 * @property classNames     the names of its classes, where they are known before a file is read
 * @property inputChannels  channels of its images; a file that is given to one of its models is decoded to as many
 * @property normalize      mean and deviation of its channels
 * @property decode         how an image file, its own or a foreign one, is decoded for its models; default 'display'
 * @property valSplit       training images that are held out where it has no validation part: a number, or a fraction below 1;
 *                          default 0.1
 * @property open           opens a part; reading an index twice gives the same image
 * @property adaptImage     makes another image look like one of the data set, for example light on dark
 */
export interface DatasetDescriptor {
  readonly name: string;
  readonly title: string;
  readonly parts: readonly DatasetPart[];
  readonly classNames?: readonly string[];
  readonly inputChannels: 1 | 3;
  readonly normalize: Normalization;
  readonly decode?: DecodeMode;
  readonly valSplit?: number;
  open(options: OpenDatasetOptions): Promise<Dataset>;
  adaptImage?(image: RgbImage): AdaptedImage;
}

const descriptors = new Map<string, DatasetDescriptor>();

/**
 * Registers a data set under its name, for configs and for the command line.
 *
 * @throws InputError if the name is empty or taken by another descriptor, or if there is no part to train on
 *
 * @example registerDataset({name: 'bars', title: 'Bars', parts: ['train'], inputChannels: 1, normalize, open: () => bars()});
 */
export function registerDataset(descriptor: DatasetDescriptor): void {
  const { name, parts } = descriptor;
  if (!/^[\w.-]+$/.test(name)) {
    throw new InputError(expected('letters, digits, . - and _', 'the name of a data set', name));
  }
  const known = descriptors.get(name);
  if (known !== undefined && known !== descriptor) {
    throw new InputError(expected('a new name', 'the data set', name, 'It is registered already.'));
  }
  if (!parts.includes('train')) {
    throw new InputError(expected('train among them', `the parts of data set ${name}`, parts));
  }
  descriptors.set(name, descriptor);
}

/** The names of all registered data sets, in the order of their registration. */
export function datasetNames(): string[] {
  return [...descriptors.keys()];
}

/** The descriptor of a name. @throws InputError listing the known names, and the nearest, if it is none of them */
export function datasetDescriptor(name: unknown): DatasetDescriptor {
  const found = typeof name === 'string' ? descriptors.get(name) : undefined;
  if (found !== undefined) return found;
  const names = datasetNames();
  const otherwise = 'Register it with registerDataset.';
  const remedy = typeof name === 'string' ? didYouMean(name, names, otherwise) : '';
  throw new InputError(expected(`one of ${names.join(', ')}`, 'data.dataset', name, remedy));
}

/** The default validation split of a data set: 0 where it has a validation part, else its `valSplit`. */
export function defaultValSplit({ parts, valSplit = 0.1 }: DatasetDescriptor): number {
  return parts.includes('validation') ? 0 : valSplit;
}
