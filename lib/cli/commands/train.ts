import { InputError, expected } from '../../core/errors.ts';
import { booleanFlag, numberFlag, sharedFlags, textFlag } from '../flags.ts';
import { readConfig, readRecipe } from '../readConfig.ts';
import type { Arguments, Command, Flag } from '../command.ts';

type TrainFlag = Flag & { path: string };

// A flag and the place in the config that it sets. Names are DeiT's where DeiT has one.
const settings = {
  precision: { ...sharedFlags.precision, path: 'precision' },
  epochs: integer('epochs', 'Passes over the data', 1),
  'batch-size': integer('batchSize', 'Images in a batch', 1),
  'accumulation-steps': integer('accumulationSteps', 'Batches in an update', 1),
  lr: {
    ...number('learningRate', 'Learning rate after the warm-up'),
    min: Number.MIN_VALUE,
    aliases: ['learning-rate'],
  },
  seed: integer('seed', 'Of order, augmentation, dropouts and first weights', 0),
  'val-split': {
    ...number(
      'valSplit',
      'Hold out N training images (a fraction below 1: that share) to choose the best epoch on; 0: none',
    ),
    value: 'N|FRACTION',
  },
  limit: integer('limit', 'Train on the first N images only, counted after the split', 1),
  'limit-val': integer('limitVal', 'Validate and test on the first N images only', 1),
  'max-steps': integer('maxSteps', 'Stop after N updates, saved, so that --resume goes on', 1),
  'checkpoint-steps': integer('checkpointSteps', 'Also save every N updates', 1),
  'checkpoint-minutes': number('checkpointMinutes', 'Also save every so many minutes'),
  opt: choice('optimizer.opt', 'Optimizer', ['adamw', 'sgd']),
  'opt-eps': number('optimizer.epsilon', "AdamW's epsilon"),
  momentum: { ...number('optimizer.momentum', "SGD's momentum"), max: 1 },
  'weight-decay': number('optimizer.weightDecay', 'Decay of weight matrices'),
  'layer-decay': {
    ...number('optimizer.layerDecay', 'Factor on the rate from a layer to the one below'),
    max: 1,
  },
  sched: choice('schedule.sched', 'Schedule', ['cosine', 'step', 'linear', 'constant']),
  'warmup-epochs': number('schedule.warmupEpochs', 'Epochs of linear warm-up'),
  'warmup-lr': number('schedule.warmupLr', 'Rate of the first update of the warm-up'),
  'min-lr': number('schedule.minLr', 'Rate at the end'),
  'cooldown-epochs': number('schedule.cooldownEpochs', 'Epochs at the lowest rate after the end'),
  'decay-epochs': number('schedule.decayEpochs', 'Epochs between two steps of the step schedule'),
  'decay-rate': number('schedule.decayRate', 'Factor of one step of the step schedule'),
  smoothing: { ...number('smoothing', 'Label smoothing'), max: 1 },
  'drop-path': { ...number('model.dropPathRate', 'Stochastic depth of the last block'), max: 1 },
  'data-path': {
    type: 'string',
    path: 'data.folder',
    value: 'DIR',
    describe: "Where the data set's files are",
  },
} as const satisfies Record<string, TrainFlag>;

const flags = {
  config: { type: 'string', value: 'FILE', describe: 'An experiment: .ts, .js or .json' },
  recipe: {
    type: 'string',
    value: 'NAME',
    describe: "Another experiment of the config file: one of its export 'recipes', by name",
  },
  'output-dir': {
    type: 'string',
    value: 'DIR',
    describe: 'The run folder; default runs/<name of the config>',
  },
  resume: {
    type: 'string',
    value: 'DIR|FILE',
    describe: 'A run folder, or a file in one, to go on from, with its own config',
  },
  'allow-changes': {
    type: 'boolean',
    describe: 'Go on although the config or the data differ from the stored ones',
  },
  'clip-grad': {
    type: 'number',
    value: 'X',
    min: 0,
    describe: 'Clip gradients at this; 0: do not',
  },
  'clip-mode': {
    type: 'string',
    value: 'MODE',
    choices: ['norm', 'value', 'agc'],
    describe: 'What --clip-grad limits; default norm',
  },
  'model-ema': {
    type: 'boolean',
    describe: 'Keep a moving average of the weights, and evaluate it',
  },
  'model-ema-decay': {
    type: 'number',
    value: 'X',
    min: 0,
    max: 1,
    describe: 'Its decay; default 0.9998',
  },
  ...settings,
  backend: sharedFlags.backend,
  threads: sharedFlags.threads,
} as const satisfies Record<string, Flag>;

/** `tfjs-vit train`: an experiment from its config file to its run folder. */
export const train: Command = {
  name: 'train',
  describe: 'Train a model: an experiment in a config file, a run folder as its result',
  flags,
  examples: [
    ['train --config mnist/config.ts', 'MNIST from scratch, into runs/mnist'],
    [
      'train --config mnist/config.ts --epochs 2 --limit 6000 --output-dir runs/quick',
      'A quick look',
    ],
    [
      'train --config mnist/config.ts --recipe mnist-long',
      'A longer training that the file names, into runs/mnist-long',
    ],
    ['train --resume runs/mnist', 'Go on where a run stopped'],
  ],
  async run(args, terminal) {
    const [config, resume] = [textFlag(args, 'config'), textFlag(args, 'resume')];
    if (config === undefined && resume === undefined) {
      throw new InputError(
        'Expected --config FILE or --resume DIR for train, received neither. See tfjs-vit train --help.',
      );
    }
    const { trainExperiment } = await import('../trainExperiment.ts');
    const { exitCode } = await trainExperiment(
      await experimentOf(config, textFlag(args, 'recipe'), resume),
      {
        outputDir: textFlag(args, 'output-dir'),
        resume,
        overrides: overridesOf(args),
        allowChanges: booleanFlag(args, 'allow-changes'),
        backend: textFlag(args, 'backend'),
        threads: numberFlag(args, 'threads'),
      },
      terminal,
    );
    return exitCode;
  },
};

// What is to be trained; undefined: what --resume stored. Other flags win over it.
async function experimentOf(
  config: string | undefined,
  recipe: string | undefined,
  resume: string | undefined,
): Promise<Record<string, unknown> | undefined> {
  if (recipe !== undefined && resume !== undefined) {
    throw new InputError(
      expected('no --recipe', '--resume', recipe, 'A run goes on with its own config.'),
    );
  }
  if (config === undefined) return undefined;
  return recipe === undefined ? readConfig(config) : readRecipe(config, recipe);
}

/** What the flags set in a config, by path. */
export function overridesOf(args: Arguments): Map<string, unknown> {
  const overrides = new Map<string, unknown>();
  for (const [name, { path }] of Object.entries(settings)) {
    if (args.flags[name] !== undefined) overrides.set(path, args.flags[name]);
  }
  // The first weights follow the seed of the run.
  if (args.flags['seed'] !== undefined) overrides.set('model.seed', args.flags['seed']);
  const clip = numberFlag(args, 'clip-grad');
  const mode = textFlag(args, 'clip-mode');
  if (clip === 0) overrides.set('clip', null);
  else if (clip !== undefined) overrides.set('clip', { mode: mode ?? 'norm', value: clip });
  else if (mode !== undefined)
    throw new InputError('Expected --clip-grad X with --clip-mode, received none.');
  const decay = numberFlag(args, 'model-ema-decay');
  const average = booleanFlag(args, 'model-ema', decay !== undefined);
  if (average) overrides.set('ema', { decay: decay ?? 0.9998 });
  else if (args.flags['model-ema'] === false) overrides.set('ema', null);
  return overrides;
}

function integer(path: string, describe: string, min: number) {
  return { type: 'integer', path, describe, min, max: 2 ** 31, value: 'N' } as const;
}

function number(path: string, describe: string) {
  return { type: 'number', path, describe, min: 0, value: 'X' } as const;
}

function choice(path: string, describe: string, choices: readonly string[]) {
  return { type: 'string', path, describe, choices, value: 'NAME' } as const;
}
