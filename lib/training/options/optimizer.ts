// The options of the optimizer, each said once.

import type { OptionTable } from '../../core/option.ts';

/** Options of `makeOptimizer`, beside the learning rate also those of a config's `optimizer`. */
export const optimizerOptions = {
  opt: {
    type: 'string',
    describe: 'Update rule: Adam with decoupled weight decay, or SGD with momentum',
    choices: ['adamw', 'sgd'],
    default: 'adamw',
    flag: { name: 'opt', value: 'NAME' },
  },
  weightDecay: {
    type: 'number',
    describe:
      'Weight decay, decoupled in adamw, added to the gradient in sgd; never on vectors, biases and tokens',
    min: 0,
    default: 0.05,
    flag: { name: 'weight-decay', value: 'X', describe: 'Weight decay of matrices' },
  },
  betas: {
    type: 'numbers',
    describe: 'Decay rates of the two moments of adamw',
    length: 2,
    min: 0,
    max: 1 - Number.EPSILON,
    default: [0.9, 0.999],
    appliesTo: { opt: ['adamw'] },
  },
  epsilon: {
    type: 'number',
    describe: 'Added to √v̂ in adamw',
    min: Number.MIN_VALUE,
    default: 1e-8,
    appliesTo: { opt: ['adamw'] },
    flag: { name: 'opt-eps', value: 'X' },
  },
  momentum: {
    type: 'number',
    describe: 'Momentum of sgd',
    min: 0,
    max: 1,
    default: 0.9,
    appliesTo: { opt: ['sgd'] },
    flag: { name: 'momentum', value: 'X' },
  },
  nesterov: {
    type: 'boolean',
    describe: "Nesterov's form of the momentum of sgd",
    default: true,
    appliesTo: { opt: ['sgd'], momentum: { above: 0 } },
    flag: { name: 'nesterov' },
  },
  layerDecay: {
    type: 'number',
    describe:
      'Factor on the learning rate from each layer to the layer below; without it all learn alike',
    min: 0,
    max: 1,
    flag: { name: 'layer-decay', value: 'X' },
  },
} as const satisfies OptionTable;

/** Options of `makeOptimizer`. */
export const optimizerConfigOptions = {
  learningRate: {
    type: 'number',
    describe: 'Learning rate of every group until `setRate`',
    required: true,
    min: 0,
  },
  ...optimizerOptions,
} as const satisfies OptionTable;
