// The options of an experiment's data, each said once.

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
    describe: 'Augmentation of the training images: steps in the order of application',
  },
  evalTransforms: { ...steps, describe: 'Steps for the images of validation and test' },
} as const satisfies OptionTable;
