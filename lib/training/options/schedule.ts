// The options of the learning rate's schedule, each said once.

import type { OptionTable } from '../../core/option.ts';

const falling = { sched: ['cosine', 'linear'] } as const;
const warming = { warmupEpochs: { above: 0 } } as const;
const cycling = { ...falling, cycleLimit: { above: 1 } } as const;

/** Options of `makeSchedule`, in timm's words. Fields named epochs are in epochs, whether the rate changes each epoch or each update. */
export const scheduleConfigOptions = {
  sched: {
    type: 'string',
    describe: 'Form: half a cosine, steps, a straight line, or the base rate after the warm-up',
    choices: ['cosine', 'step', 'linear', 'constant'],
    default: 'cosine',
    flag: { name: 'sched', value: 'NAME' },
  },
  numEpochs: {
    type: 'number',
    describe: 'Length without the cooldown, and without the warm-up if `warmupPrefix`',
    required: true,
    min: Number.MIN_VALUE,
  },
  warmupEpochs: {
    type: 'number',
    describe: 'Epochs of linear warm-up; they count as a part of `numEpochs` unless `warmupPrefix`',
    min: 0,
    default: 0,
    flag: { name: 'warmup-epochs', value: 'X', describe: 'Epochs of linear warm-up' },
  },
  warmupLr: {
    type: 'number',
    describe: 'Learning rate at the start of the warm-up',
    min: 0,
    default: 1e-5,
    appliesTo: warming,
    flag: { name: 'warmup-lr', value: 'X' },
  },
  minLr: {
    type: 'number',
    describe: 'Learning rate where cosine and linear end',
    min: 0,
    default: 0,
    appliesTo: falling,
    flag: { name: 'min-lr', value: 'X' },
  },
  cooldownEpochs: {
    type: 'number',
    describe: 'Epochs at `minLr` after the end of cosine and linear; they make the run longer',
    min: 0,
    default: 0,
    appliesTo: falling,
    flag: {
      name: 'cooldown-epochs',
      value: 'X',
      describe: 'Further epochs at the lowest rate at the end',
    },
  },
  warmupPrefix: {
    type: 'boolean',
    describe:
      'true: the warm-up comes before `numEpochs`, makes the run longer and does not shift the curve',
    default: false,
    appliesTo: warming,
  },
  stepOnEpochs: {
    type: 'boolean',
    describe: 'true: a new rate each epoch; false: each update, which needs `updatesPerEpoch`',
    default: true,
  },
  updatesPerEpoch: {
    type: 'number',
    describe: 'Optimizer updates in an epoch',
    min: 0,
    default: 0,
  },
  kDecay: {
    type: 'number',
    describe: 'Exponent k of (t/T)^k in cosine and linear',
    min: Number.MIN_VALUE,
    default: 1,
    appliesTo: falling,
  },
  cycleLimit: {
    type: 'integer',
    describe:
      'Number of cycles of cosine and linear, which follow one another and make the run longer',
    min: 1,
    default: 1,
    appliesTo: falling,
  },
  cycleMul: {
    type: 'number',
    describe: 'Length of a cycle over that of the cycle before',
    min: Number.MIN_VALUE,
    default: 1,
    appliesTo: cycling,
  },
  cycleDecay: {
    type: 'number',
    describe: 'Peak of a cycle over that of the cycle before',
    min: 0,
    default: 0.1,
    appliesTo: cycling,
  },
  decayEpochs: {
    type: 'number',
    describe: 'Epochs between two steps of the step schedule',
    min: Number.MIN_VALUE,
    default: 90,
    appliesTo: { sched: ['step'] },
    flag: { name: 'decay-epochs', value: 'X' },
  },
  decayRate: {
    type: 'number',
    describe: 'Factor on the rate at a step of the step schedule',
    min: 0,
    default: 0.1,
    appliesTo: { sched: ['step'] },
    flag: { name: 'decay-rate', aliases: ['dr'], value: 'X' },
  },
} as const satisfies OptionTable;

const { numEpochs, updatesPerEpoch: _, stepOnEpochs, ...others } = scheduleConfigOptions;

/** Options of a config's `schedule`: the trainer knows the number of epochs and of the updates in one. */
export const scheduleOptions = {
  ...others,
  numEpochs: {
    ...numEpochs,
    required: false,
    describe: `${numEpochs.describe}; it then decides in place of \`epochs\`; default \`epochs\``,
  },
  stepOnEpochs: {
    ...stepOnEpochs,
    describe: 'true: a new rate each epoch; false: each update',
    default: false,
  },
} as const satisfies OptionTable;
