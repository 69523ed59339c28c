// The options that model families share, and the kinds of their numbers.

// Far above any model in use; it keeps a mistyped number from becoming an allocation.
const maxSize = 65_536;

/** A number of things, from 1. */
export const count = { type: 'integer', min: 1, max: maxSize } as const;

/** [height, width] in pixels; a number stands for both. */
export const size = {
  type: 'integers',
  length: 2,
  min: 1,
  max: maxSize,
  given: 'number | readonly [number, number]',
} as const;

/** A rate of dropping, 0 … 0.999. */
export const rate = { type: 'number', min: 0, max: 0.999, default: 0 } as const;

/** The options that every classifier has, under one name and one set of aliases. */
export const classifierOptions = {
  inChannels: {
    ...count,
    describe: 'Channels of the images',
    aliases: ['in_chans', 'numChannels'],
    default: 3,
  },
  numClasses: {
    ...count,
    describe: 'Classes; 0: no head, the logits are the pooled features',
    aliases: ['nb_classes', 'num_labels'],
    min: 0,
    default: 1000,
  },
} as const;
