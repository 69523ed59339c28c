// The options of gradient clipping, each said once.

import type { OptionTable } from '../../core/option.ts';

/** Options of `clipGradients`, and of a config's `clip`. */
export const clipOptions = {
  mode: {
    type: 'string',
    describe:
      'norm: all gradients together; value: each element; agc: each unit against its weights',
    choices: ['norm', 'value', 'agc'],
    default: 'norm',
    flag: {
      name: 'clip-mode',
      value: 'MODE',
      describe: 'What the limit of --clip-grad is on',
    },
  },
  value: {
    type: 'number',
    describe:
      'The largest norm, the largest element, or the largest ratio of gradient to weight norm',
    required: true,
    min: Number.MIN_VALUE,
    flag: { name: 'clip-grad', value: 'X', describe: 'Clip gradients at this; 0: do not' },
  },
} as const satisfies OptionTable;
