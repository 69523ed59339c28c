// Flags of DeiT's main.py and of timm that set other places of a config than their own: --model, --bce-loss, --repeated-aug.

import type { Arguments, Flag, FlagValue } from './command.ts';

/** A flag, and the options that it sets, by their path in the config. */
interface RecipeFlag extends Flag {
  readonly sets: (value: FlagValue) => Readonly<Record<string, unknown>>;
}

const group = 'Model:';
const data = 'Data:';
const loss = 'Training:';

/** The flags by name; their names are DeiT's, or timm's where DeiT has none. */
export const recipeFlags: Readonly<Record<string, RecipeFlag>> = {
  model: {
    type: 'string',
    value: 'NAME',
    describe: 'The model by its name: vit_tiny_patch16_224, or shorter vit_tiny_16_224',
    group,
    sets: (name) => ({ 'model.name': name }),
  },
  'input-size': {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 16_384,
    aliases: ['img-size'],
    describe: "Side of the model's input in pixels, to which images are brought",
    defaultText: "the model's",
    group,
    sets: (side) => ({ 'model.imageSize': side }),
  },
  'num-classes': {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 65_536,
    aliases: ['nb-classes'],
    describe: 'Classes of the model',
    defaultText: "the data's",
    group,
    sets: (count) => ({ 'model.numClasses': count }),
  },
  'in-chans': {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 3,
    describe: 'Channels of the input; grey images are brought to 3',
    defaultText: "the data's",
    group,
    sets: (count) => ({ 'model.inChannels': count }),
  },
  'train-mode': {
    type: 'boolean',
    describe: '--no-train-mode: train without dropout and stochastic depth',
    group,
    sets: (on) => (on === true ? {} : Object.fromEntries(drops.map((name) => [name, 0]))),
  },
  'data-set': {
    type: 'string',
    value: 'NAME',
    aliases: ['dataset'],
    describe: 'The data set: ImageNet, folder, MNIST, CIFAR10, CIFAR100, FractalDB-1k, …',
    group: data,
    sets: (name) => ({ 'data.dataset': name }),
  },
  'repeated-aug': {
    type: 'boolean',
    describe: 'Three copies of each image in a row, each augmented anew: --aug-repeats 3',
    group: data,
    sets: (on) => ({ 'data.augment.augRepeats': on === true ? 3 : 1 }),
  },
  'bce-loss': {
    type: 'boolean',
    describe: 'Sigmoid cross-entropy; classes that are mixed in are wholly there',
    group: loss,
    sets: (on) => ({ loss: on === true ? 'binary' : 'softmax', targetThreshold: on ? 0 : null }),
  },
  'unscale-lr': {
    type: 'boolean',
    describe: '--lr as it is, whatever the batch: no --lr-base-size',
    group: loss,
    sets: (on) => (on === true ? { lrBaseSize: null } : {}),
  },
};

/** Options that count on the mode of training. */
const drops = ['dropRate', 'posDropRate', 'projDropRate', 'attnDropRate', 'dropPathRate'].map(
  (name) => `model.${name}`,
);

/** The options that these flags set in one call, by their path in the config. */
export function recipeOverrides({ flags }: Arguments): Map<string, unknown> {
  const given = Object.entries(recipeFlags).filter(([name]) => flags[name] !== undefined);
  return new Map(given.flatMap(([name, { sets }]) => Object.entries(sets(flags[name]!))));
}
