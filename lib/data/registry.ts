// The registry of data sets: descriptors by name, which also open the parts of a data set.

import { assertOneOf, assertRegistrable } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { RgbImage } from '../core/image.ts';
import type { BadImages } from './badImages.ts';
import type { Dataset } from './dataset.ts';
import { assertNormalization, type Normalization } from './normalize.ts';
import { assertValSplit } from './split.ts';
import { decodeModes, type DecodeMode } from './preprocessing.ts';

/** A part of a data set: `train` for training, `validation` for choosing the best epoch, `test` for reporting. */
export type DatasetPart = 'train' | 'validation' | 'test';

/**
 * The part of a data set to open, its folder, and how its files are read.
 *
 * @property folder  the folder of its files; default: where the data set has its own
 * @property decode  how image files are decoded, for a data set that consists of them: the mode that is stored with the model
 * @property inputSize  gives [H, W] of the model's input, for decode 'fast'; asked for with each image
 * @property onNote  is told, in a sentence, what a person should know about the files
 * @property bad     notes damaged image files, which are then replaced; default: the first one is an error
 * @property allowEmptyClasses  true: a class folder without an image stays a class; default false: it is an error
 */
export interface OpenDatasetOptions {
  part: DatasetPart;
  folder?: string | undefined;
  decode?: DecodeMode;
  inputSize?: (() => readonly [number, number]) | undefined;
  onNote?: ((text: string) => void) | undefined;
  bad?: BadImages | undefined;
  allowEmptyClasses?: boolean | undefined;
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
 * @property aliases        other names, those of DeiT: `IMNET`; case does not count in them, nor in the name
 * @property title          how a sentence names it: `MNIST`
 * @property parts          the parts that it has; `train` at least
 * @property partsIn        the parts among them that a folder has, where that differs; default all
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
  readonly aliases?: readonly string[];
  readonly title: string;
  readonly parts: readonly DatasetPart[];
  readonly partsIn?: (folder: string | undefined) => readonly DatasetPart[];
  readonly classNames?: readonly string[];
  readonly inputChannels: 1 | 3;
  readonly normalize: Normalization;
  readonly decode?: DecodeMode;
  readonly valSplit?: number;
  open(options: OpenDatasetOptions): Promise<Dataset>;
  adaptImage?(image: RgbImage): AdaptedImage;
}

const datasetParts: readonly DatasetPart[] = ['train', 'validation', 'test'];

const descriptors = new Map<string, DatasetDescriptor>();

/**
 * Registers a data set under its name, for configs and for the command line.
 *
 * @throws InputError if the name is taken by another descriptor, a field cannot be used, or there is no part to train on
 *
 * @example registerDataset({name: 'bars', title: 'Bars', parts: ['train'], inputChannels: 1, normalize, open: () => bars()});
 */
export function registerDataset(descriptor: DatasetDescriptor): void {
  assertRegistrable('a data set', descriptor, { name: 'name', methods: ['open'] });
  const { name } = descriptor;
  const known = descriptors.get(name);
  if (known !== undefined && known !== descriptor) {
    throw new InputError(expected('a new name', 'the data set', name, 'It is registered already.'));
  }
  assertDescriptor(descriptor);
  descriptors.set(name, descriptor);
}

function assertDescriptor(descriptor: DatasetDescriptor): void {
  const { name, title, parts, classNames, inputChannels, normalize, valSplit } = descriptor;
  const refuse = (what: string, field: string, value: unknown): never => {
    throw new InputError(expected(what, `${field} of data set ${name}`, value));
  };
  if (typeof title !== 'string') refuse('a text', 'the title', title);
  if (!Array.isArray(parts)) refuse('a list', 'the parts', parts);
  for (const part of parts) assertOneOf(`the parts of data set ${name}`, part, datasetParts);
  if (!parts.includes('train')) refuse('train among them', 'the parts', parts);
  if (classNames !== undefined && !Array.isArray(classNames)) {
    refuse('a list', 'the classNames', classNames);
  }
  if (![1, 3].includes(inputChannels)) refuse('1 or 3', 'the inputChannels', inputChannels);
  if (!Array.isArray(normalize?.mean) || !Array.isArray(normalize.std)) {
    refuse('lists mean and std', 'normalize', normalize);
  }
  assertNormalization(normalize, inputChannels);
  const { decode = 'display' } = descriptor;
  assertOneOf(`decode of data set ${name}`, decode, decodeModes);
  if (valSplit !== undefined) assertValSplit(valSplit);
}

/** The names of all registered data sets, in the order of their registration. */
export function datasetNames(): string[] {
  return [...descriptors.keys()];
}

/** The descriptor of a name or an alias; case does not count. @throws InputError listing the known names, and the nearest, if it is none of them */
export function datasetDescriptor(name: unknown): DatasetDescriptor {
  const found = typeof name === 'string' ? (descriptors.get(name) ?? called(name)) : undefined;
  if (found !== undefined) return found;
  const names = datasetNames();
  const otherwise = 'Register it with registerDataset.';
  const remedy = typeof name === 'string' ? didYouMean(name, names, otherwise) : '';
  throw new InputError(expected(`one of ${names.join(', ')}`, 'data.dataset', name, remedy));
}

// The data set that has the word as its name or an alias, whatever the case.
function called(word: string): DatasetDescriptor | undefined {
  const wanted = word.toLowerCase();
  return [...descriptors.values()].find(({ name, aliases = [] }) =>
    [name, ...aliases].some((known) => known.toLowerCase() === wanted),
  );
}

/** The parts of a data set that a folder has. */
export function partsIn(
  { parts, partsIn: inFolder }: Pick<DatasetDescriptor, 'parts' | 'partsIn'>,
  folder: string | undefined,
): readonly DatasetPart[] {
  return inFolder?.(folder) ?? parts;
}

/** The default validation split of a data set: 0 where it has a validation part, else its `valSplit`. */
export function defaultValSplit(descriptor: DatasetDescriptor, folder?: string): number {
  const { valSplit = 0.1 } = descriptor;
  return partsIn(descriptor, folder).includes('validation') ? 0 : valSplit;
}
