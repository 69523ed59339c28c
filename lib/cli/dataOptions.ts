// The options of an experiment's data, each said once.

import { augmentOptions } from '../data/augment/options.ts';
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
