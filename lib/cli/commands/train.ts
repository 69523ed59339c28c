// `tfjs-vit train`: an experiment and what its flags change in it.

import { InputError, expected } from '../../core/errors.ts';
import { familyOptions } from '../../models/familyOptions.ts';
import { trainOptions } from '../../training/options/train.ts';
import { dataOptions } from '../dataOptions.ts';
import { booleanFlag, flagsOf, numberFlag, sharedFlags, textFlag } from '../flags.ts';
import { readConfig, readRecipe } from '../readConfig.ts';
import type { Arguments, Command, Flag } from '../command.ts';
import type { OptionPathFlag } from '../flags.ts';

const optionFlags = flagsOf(trainOptions, 'Training:');
const modelFlags = Object.fromEntries(
  Object.values(familyOptions).flatMap((table) =>
    Object.entries(flagsOf(table, 'Model:', 'model')),
  ),
);

// A flag and the place in the config that it sets. Names are DeiT's where DeiT has one.
const settings: Readonly<Record<string, OptionPathFlag>> = {
  ...optionFlags,
  // 0 turns clipping off; the option itself is then null.
  'clip-grad': { ...optionFlags['clip-grad']!, min: 0 },
  ...modelFlags,
  ...flagsOf(dataOptions, 'Data:', 'data'),
};

const flags = {
  config: {
    type: 'string',
    value: 'FILE',
    reads: true,
    describe: 'An experiment: .ts, .js or .json',
    group: 'Run:',
  },
  recipe: {
    type: 'string',
    value: 'NAME',
    describe: "Another experiment of the config file: one of its export 'recipes', by name",
    group: 'Run:',
  },
  'output-dir': {
    type: 'string',
    value: 'DIR',
    writes: 'run',
    describe: 'The run folder',
    defaultText: 'runs/<name of the config>',
    group: 'Run:',
  },
  resume: {
    type: 'string',
    value: 'DIR|FILE',
    describe: 'A run folder, or a file in one, to go on from, with its own config',
    group: 'Run:',
  },
  overwrite: {
    type: 'boolean',
    describe: 'Replace a run that is in the run folder already',
    group: 'Run:',
  },
  'allow-changes': {
    type: 'boolean',
    describe: 'Go on although the config or the data differ from the stored ones',
    group: 'Run:',
  },
  report: {
    type: 'boolean',
    default: true,
    describe: 'Write report.html into the run folder at the end',
    group: 'Run:',
  },
  backend: { ...sharedFlags.backend, group: 'Run:' },
  threads: { ...sharedFlags.threads, group: 'Run:' },
  ...settings,
} as const satisfies Record<string, Flag>;

/** `tfjs-vit train`: an experiment from its config file to its run folder. */
export const train: Command = {
  name: 'train',
  describe: 'Train a model: an experiment in a config file, a run folder as its result',
  flags,
  elsewhere: {
    model: 'The config names the model: model.name, or its options.',
    'data-set': 'The config names the data set: data.dataset.',
    dataset: 'The config names the data set: data.dataset.',
    eval: 'tfjs-vit eval --checkpoint RUN measures a run.',
  },
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
    assertConsistent(args, { config, resume });
    const { trainExperiment } = await import('../trainExperiment.ts');
    const { exitCode } = await trainExperiment(
      await experimentOf(config, textFlag(args, 'recipe')),
      {
        outputDir: textFlag(args, 'output-dir'),
        resume,
        overrides: overridesOf(args),
        overwrite: booleanFlag(args, 'overwrite'),
        allowChanges: booleanFlag(args, 'allow-changes'),
        report: booleanFlag(args, 'report', true),
        backend: textFlag(args, 'backend'),
        threads: numberFlag(args, 'threads'),
      },
      terminal,
    );
    return exitCode;
  },
};

// Flags of a new run beside --resume, and the reverse, would have no effect.
function assertConsistent(
  args: Arguments,
  { config, resume }: { config: string | undefined; resume: string | undefined },
): void {
  const [recipe, finetune] = [textFlag(args, 'recipe'), textFlag(args, 'finetune')];
  for (const [name, value] of Object.entries({ recipe, config })) {
    if (resume === undefined || value === undefined) continue;
    const remedy = 'A run goes on with its own config: leave one of the two out.';
    throw new InputError(expected(`no --${name}`, '--resume', value, remedy));
  }
  if (resume !== undefined && finetune !== undefined) {
    const remedy = 'A run goes on with its own weights: leave one of the two out.';
    throw new InputError(expected('no --finetune', '--resume', finetune, remedy));
  }
  if (resume === undefined && booleanFlag(args, 'allow-changes')) {
    const remedy =
      'It lets a run go on although its config differs: leave it out, or add --resume.';
    throw new InputError(expected('--resume', '--allow-changes', undefined, remedy));
  }
}

// The experiment that the flags name; undefined: the one stored in the run that --resume names.
async function experimentOf(
  config: string | undefined,
  recipe: string | undefined,
): Promise<Record<string, unknown> | undefined> {
  if (config === undefined) return undefined;
  return recipe === undefined ? readConfig(config) : readRecipe(config, recipe);
}

/** The options that the flags set, by their path in the config. */
export function overridesOf(args: Arguments): Map<string, unknown> {
  const overrides = new Map<string, unknown>();
  for (const [name, { path }] of Object.entries(settings)) {
    if (args.flags[name] !== undefined && !/^(clip|ema)\b/.test(path)) {
      overrides.set(path, args.flags[name]);
    }
  }
  // The initial weights follow the seed of the run.
  if (args.flags['seed'] !== undefined) overrides.set('model.seed', args.flags['seed']);
  const [clip, mode] = [numberFlag(args, 'clip-grad'), textFlag(args, 'clip-mode')];
  if (clip === 0 && mode !== undefined) {
    const remedy = '0 turns clipping off: leave one of the two out.';
    throw new InputError(expected('no --clip-mode', '--clip-grad 0', mode, remedy));
  }
  if (clip === 0) overrides.set('clip', null);
  else {
    if (clip !== undefined) overrides.set('clip.value', clip);
    if (mode !== undefined) overrides.set('clip.mode', mode);
  }
  const [average, decay] = [args.flags['model-ema'], numberFlag(args, 'model-ema-decay')];
  if (average === false && decay !== undefined) {
    const remedy = 'Leave one of the two out.';
    throw new InputError(expected('no --model-ema-decay', '--no-model-ema', decay, remedy));
  }
  if (average === false) overrides.set('ema', null);
  else {
    if (average === true) overrides.set('ema', {});
    if (decay !== undefined) overrides.set('ema.decay', decay);
  }
  return overrides;
}
