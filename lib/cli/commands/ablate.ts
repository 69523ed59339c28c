// `tfjs-vit ablate`: what each ingredient of a training recipe brings.

import path from 'node:path';
import { booleanFlag, neededNumber, numberFlag, textFlag } from '../flags.ts';
import { describeIngredient, ingredients, parseIngredients } from '../ablation.ts';
import { experimentOf } from '../baseExperiment.ts';
import { overridesOf, trainFlags } from './train.ts';
import type { Command, Flag } from '../command.ts';

const group = 'Ablation:';

const own = {
  vary: {
    type: 'string',
    value: 'A,B,…',
    describe: `Ingredients to switch off, joined by commas: ${ingredients.map((name) => `${name}, ${describeIngredient(name)}`).join('; ')}`,
    default: ingredients.join(','),
    group,
  },
  seeds: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 1000,
    default: 3,
    describe: 'Trainings of each variant, with the seeds S, S + 1, …; S is --seed',
    group,
  },
  'output-dir': {
    type: 'string',
    value: 'DIR',
    writes: 'run',
    describe: 'Takes a run folder for each variant and seed, and ablation.md, .csv and .png',
    defaultText: 'runs/ablate-<name of the config>',
    group,
  },
  overwrite: {
    type: 'boolean',
    describe: 'Make all runs anew; otherwise finished ones are kept and interrupted ones go on',
    group,
  },
  'dry-run': {
    type: 'boolean',
    describe: 'List the trainings and train nothing',
    group,
  },
} as const satisfies Record<string, Flag>;

/** Flags of `train` that are about one run. */
const single = ['resume', 'eval', 'allow-changes', 'report', 'max-steps'];

/** `tfjs-vit ablate`: an experiment with and without each of its ingredients, over several seeds. */
export const ablate: Command = {
  name: 'ablate',
  describe:
    'Train an experiment with each of its ingredients switched off, over several seeds: a table of what each brings',
  flags: {
    ...own,
    ...Object.fromEntries(
      Object.entries(trainFlags).filter(
        ([name]) => !single.includes(name) && !Object.hasOwn(own, name),
      ),
    ),
  },
  elsewhere: {
    resume: 'The same command goes on where it was stopped.',
    'max-steps': 'The result of a training is measured at its end: --epochs makes it shorter.',
  },
  examples: [
    [
      'ablate --config mnist/config.ts --vary aug,smoothing --epochs 3',
      'What the maps and the smoothing of MNIST bring, into runs/ablate-mnist',
    ],
    [
      'ablate --data-set CIFAR10 --data-path cifar --model vit_tiny_16_224 --vary aa,mixup,cutmix,reprob --seeds 5',
      "DeiT's recipe on CIFAR-10 without each of four ingredients",
    ],
  ],
  async run(args, terminal) {
    const vary = parseIngredients(textFlag(args, 'vary') ?? '');
    const { withOverrides } = await import('../experimentOverrides.ts');
    const experiment = withOverrides(await experimentOf(args, 'ablate'), overridesOf(args));
    const { runAblation } = await import('../runAblation.ts');
    return runAblation(
      experiment,
      {
        vary,
        seeds: neededNumber(args, 'seeds'),
        outputDir:
          textFlag(args, 'output-dir') ?? path.join('runs', `ablate-${String(experiment['name'])}`),
        overwrite: booleanFlag(args, 'overwrite'),
        dryRun: booleanFlag(args, 'dry-run'),
        backend: textFlag(args, 'backend'),
        threads: numberFlag(args, 'threads'),
      },
      terminal,
    );
  },
};
