// `tfjs-vit augment`: samples as a training gets them, with what was drawn for each.

import { InputError, expected } from '../../core/errors.ts';
import { baseExperiment } from '../baseExperiment.ts';
import { booleanFlag, neededNumber, numberFlag, sharedFlags, textFlag } from '../flags.ts';
import { recipeFlags } from '../recipeFlags.ts';
import { overridesOf, settings } from './train.ts';
import type { Arguments, Command, Flag } from '../command.ts';

// The flags of `train` that decide on a sample: the rest of them changes nothing here.
const deciding = new Set([
  'seed',
  'batchSize',
  'valSplit',
  'limit',
  'dropLast',
  'accumulationSteps',
]);
const sampleFlags = Object.fromEntries(
  Object.entries(settings).filter(
    ([name, { path }]) =>
      deciding.has(path) ||
      (path.startsWith('data.') && !['workers', 'num-workers', 'max-bad'].includes(name)),
  ),
);
const named = ['model', 'input-size', 'in-chans', 'data-set', 'repeated-aug'];

const flags = {
  show: { type: 'boolean', describe: 'Draw the samples into the picture of --output' },
  config: {
    type: 'string',
    value: 'FILE',
    reads: true,
    describe: 'An experiment: .ts, .js or .json',
  },
  recipe: {
    type: 'string',
    value: 'NAME',
    describe: 'A recipe of the config file, or of the library',
  },
  run: {
    type: 'string',
    value: 'DIR',
    reads: true,
    describe: 'A run folder: samples as it got them',
  },
  index: {
    type: 'integer',
    value: 'N',
    min: 0,
    describe: 'The training image of this index, in --count epochs from --epoch on',
  },
  epoch: { type: 'integer', value: 'N', min: 1, describe: 'The epoch, from 1', defaultText: '1' },
  step: {
    type: 'integer',
    value: 'N',
    min: 1,
    describe: 'The samples of this update, from 1: of the epoch, or without --epoch of the run',
    defaultText: '1',
  },
  count: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 1024,
    default: 16,
    describe: 'How many samples',
  },
  output: { ...sharedFlags.output, default: 'augment.png' },
  ...sampleFlags,
  ...Object.fromEntries(named.map((name) => [name, recipeFlags[name]!])),
} as const satisfies Record<string, Flag>;

/** `tfjs-vit augment`: any sample of any step, from the same function as training. */
export const augment: Command = {
  name: 'augment',
  describe: 'Look at training samples as a model gets them, with what was drawn for each',
  positional: {
    name: 'FOLDER',
    describe: 'Images in a folder for each class, with the preset of train FOLDER',
    min: 0,
    max: 1,
    reads: true,
  },
  flags,
  examples: [
    ['augment ./photos --show', 'The first batch, into augment.png'],
    ['augment --run runs/photos --step 1234 --show', 'What the model saw in update 1234'],
    ['augment --config mnist/config.ts --index 7 --count 24 --show', 'One image in 24 epochs'],
    ['augment ./photos --aa rand-m9-mstd0.5 --mixup 0.8 --show', 'Other augmentation'],
  ],
  async run(args, terminal) {
    const [index, step] = [numberFlag(args, 'index'), numberFlag(args, 'step')];
    if (index !== undefined && step !== undefined) {
      const remedy = 'An image is shown in several epochs, or several images in one step.';
      throw new InputError(expected('no --step', '--index', step, remedy));
    }
    const { showSamples } = await import('../showSamples.ts');
    const run = textFlag(args, 'run');
    await showSamples(
      run === undefined
        ? await baseExperiment(args, terminal, { command: 'augment', stored: '--run DIR' })
        : await experimentOfRun(run, args),
      {
        overrides: overridesOf(args),
        stored: run !== undefined,
        index,
        step,
        epoch: numberFlag(args, 'epoch'),
        count: neededNumber(args, 'count'),
        output: booleanFlag(args, 'show') ? textFlag(args, 'output') : undefined,
      },
      terminal,
    );
    return 0;
  },
};

async function experimentOfRun(run: string, args: Arguments): Promise<object> {
  for (const name of ['config', 'recipe', 'data-set']) {
    const value = textFlag(args, name);
    if (value === undefined) continue;
    throw new InputError(expected(`no --${name}`, '--run', value, 'A run has its own.'));
  }
  if (args.positional.length > 0) {
    throw new InputError(expected('no folder', '--run', args.positional[0], 'A run has its own.'));
  }
  const { runFolderOf } = await import('../../io/runFolder.ts');
  const { storedExperiment } = await import('../storedExperiment.ts');
  return storedExperiment(await runFolderOf(run), { what: 'the folder of a run', flag: '--run' });
}
