// The options of an experiment's data, each said once.

import { augmentOptions } from '../data/augment/options.ts';
import { decodeModes } from '../data/preprocessing.ts';
import type { OptionTable } from '../core/option.ts';

const steps = { type: 'any', written: 'readonly TransformStep[]' } as const;

/** Options of a config's `data`. */
export const dataOptions = {
  dataset: {
    type: 'string',
    describe: 'Name of a registered data set',
    required: true,
  },
  folder: {
    type: 'string',
    describe: 'Where its files are; without it, where the data set has its own',
    flag: { name: 'data-path', value: 'DIR', describe: "Where the data set's files are" },
  },
  decode: {
    type: 'string',
    choices: decodeModes,
    describe:
      'How image files are decoded, in training and afterwards: as a viewer shows them, as Pillow does, or fast, where a JPEG that is three times as large as the input or more is made smaller while it is decoded. Without it as the data set says',
    flag: { name: 'decode', value: 'MODE', describe: 'How image files are decoded' },
  },
  workers: {
    type: 'integer',
    min: 0,
    max: 64,
    describe:
      'Threads that read and transform images, 0: the main thread does. Without it one for each core, at most 8, and none for images that lie in memory. Results do not depend on it',
    flag: {
      name: 'workers',
      aliases: ['num-workers'],
      value: 'N',
      describe: 'Threads that read and transform images; 0: the main thread does',
    },
  },
  maxBad: {
    type: 'integer',
    min: 0,
    describe:
      'How many image files may be damaged; 10 if it is not said. Each is replaced by another of its class, told, and listed in the run folder; one more ends the run',
    flag: {
      name: 'max-bad',
      value: 'N',
      describe: 'How many image files may be damaged; 10 if it is not said',
    },
  },
  allowEmptyClasses: {
    type: 'boolean',
    describe: 'A class folder without an image stays a class; otherwise it is an error',
    flag: { name: 'allow-empty-classes', describe: 'A class folder may be without an image' },
  },
  mean: {
    type: 'numbers',
    describe: "Mean of each channel, 0 … 1, in place of the data set's",
    min: 0,
    max: 1,
    flag: { name: 'mean', value: 'X X X' },
  },
  std: {
    type: 'numbers',
    describe: "Deviation of each channel, in units of 0 … 1, in place of the data set's",
    min: 1e-6,
    max: 10,
    flag: { name: 'std', value: 'X X X' },
  },
  trainTransforms: {
    ...steps,
    describe:
      'Augmentation of the training images: steps in the order of application, in place of those of `augment`',
  },
  evalTransforms: { ...steps, describe: 'Steps for the images of validation and test' },
  augment: {
    type: 'group',
    describe:
      "Augmentation in the words of timm and DeiT; an empty object is timm's random resized crop, mirroring and colour jitter; without it nothing is augmented",
    title: 'Augmentation',
    options: augmentOptions,
    written: 'AugmentOptions',
  },
} as const satisfies OptionTable;
