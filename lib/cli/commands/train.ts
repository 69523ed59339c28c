// `tfjs-vit train`: an experiment and what its flags change in it.

import { InputError, expected } from '../../core/errors.ts';
import { parsePrecision } from '../../core/precision.ts';
import { familyOptions } from '../../models/familyOptions.ts';
import { trainOptions } from '../../training/options/train.ts';
import { dataOptions } from '../dataOptions.ts';
import {
  booleanFlag,
  flagsOf,
  modelFlag,
  numberFlag,
  pretrainedName,
  loadReportFlag,
  sharedFlags,
  textFlag,
  weightsChoice,
} from '../flags.ts';
import { ignoredFlags, ignoredNote, refusedFlags } from '../ignoredFlags.ts';
import { baseExperiment } from '../baseExperiment.ts';
import { recipeFlags, recipeOverrides } from '../recipeFlags.ts';
import { recipes } from '../recipes.ts';
import type { Arguments, Command, Flag, Terminal } from '../command.ts';
import type { OptionPathFlag } from '../flags.ts';

const optionFlags = flagsOf(trainOptions, 'Training:');
const modelFlags = Object.fromEntries(
  Object.values(familyOptions).flatMap((table) =>
    Object.entries(flagsOf(table, 'Model:', 'model')),
  ),
);

// A flag and the place in the config that it sets. Names are DeiT's where DeiT has one.
/** The flags that set options of a config, by name. */
export const settings: Readonly<Record<string, OptionPathFlag>> = {
  ...optionFlags,
  // 0 turns clipping off; the option itself is then null.
  'clip-grad': { ...optionFlags['clip-grad']!, min: 0 },
  ...modelFlags,
  ...flagsOf(dataOptions, 'Data:', 'data'),
};

/** The flags of `train`. */
export const trainFlags = {
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
    describe: `An experiment by its name: ${Object.keys(recipes).join(', ')}; with --config one of the file's export 'recipes'`,
    defaultText: 'deit, where flags name the data and there is no config',
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
  pretrained: {
    type: 'boolean',
    describe:
      'Begin with the weights that the Hugging Face hub has of --model: a name of timm, or OWNER/NAME; on a FOLDER without --model with those of a small ViT',
    defaultText: 'on a FOLDER without --model, where the hub can be reached',
    group: 'Run:',
  },
  eval: {
    type: 'boolean',
    describe: 'Train nothing: measure the checkpoint that --resume names',
    group: 'Run:',
  },
  'dry-run': {
    type: 'boolean',
    describe: 'Train nothing: say what the run would be, and which options have no effect',
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
  'load-report': { ...loadReportFlag, group: 'Run:' },
  backend: { ...sharedFlags.backend, group: 'Run:' },
  threads: { ...sharedFlags.threads, group: 'Run:' },
  ...settings,
  ...recipeFlags,
  ...ignoredFlags,
} as const satisfies Record<string, Flag>;

/** `tfjs-vit train`: an experiment from its config file to its run folder. */
export const train: Command = {
  name: 'train',
  describe: 'Train a model, on a folder of images or by a config file; a run folder is the result',
  positional: {
    name: 'FOLDER',
    describe:
      'Images to train on, in a folder for each class; the preset follows from their number',
    min: 0,
    max: 1,
    reads: true,
  },
  flags: trainFlags,
  elsewhere: {
    ...refusedFlags,
  },
  examples: [
    ['train ./photos', 'A folder with a folder of images for each class, into runs/photos'],
    [
      'train ./photos --model vit_small_patch16_224 --pretrained',
      "The same, begun with timm's weights from the Hugging Face hub",
    ],
    ['train --config mnist/config.ts', 'MNIST from scratch, into runs/mnist'],
    [
      'train --config mnist/config.ts --epochs 2 --limit 6000 --output-dir runs/quick',
      'A quick look',
    ],
    [
      'train --config mnist/config.ts --recipe mnist-long',
      'A longer training that the file names, into runs/mnist-long',
    ],
    [
      'train --data-set ImageNet --data-path imagenet --model vit_tiny_16_224',
      "DeiT's recipe on a folder with train/<class>/… and val/<class>/…",
    ],
    ['train --resume runs/mnist', 'Go on where a run stopped'],
  ],
  async run(args, terminal) {
    const [config, resume] = [textFlag(args, 'config'), textFlag(args, 'resume')];
    const [folder] = args.positional;
    assertConsistent(args, { config, resume });
    const note = ignoredNote(args);
    if (note !== undefined) terminal.error(note);
    if (booleanFlag(args, 'eval')) return evaluateResumed(args, terminal);
    const begins = resume === undefined || folder !== undefined;
    const experiment = begins ? await baseExperiment(args, terminal) : undefined;
    if (booleanFlag(args, 'dry-run')) {
      const { dryRun } = await import('../dryRun.ts');
      const [backend, threads] = [textFlag(args, 'backend'), numberFlag(args, 'threads')];
      const loadReport = booleanFlag(args, 'load-report');
      const options = { overrides: overridesOf(args), loadReport, backend, threads };
      await dryRun(experiment, options, terminal);
      return 0;
    }
    const { trainExperiment } = await import('../trainExperiment.ts');
    const { exitCode } = await trainExperiment(
      experiment,
      {
        outputDir: textFlag(args, 'output-dir'),
        resume,
        overrides: overridesOf(args),
        overwrite: booleanFlag(args, 'overwrite'),
        allowChanges: booleanFlag(args, 'allow-changes'),
        report: booleanFlag(args, 'report', true),
        loadReport: booleanFlag(args, 'load-report'),
        backend: textFlag(args, 'backend'),
        threads: numberFlag(args, 'threads'),
      },
      terminal,
    );
    return exitCode;
  },
};

// DeiT's `--eval --resume FILE`.
async function evaluateResumed(args: Arguments, terminal: Terminal): Promise<number> {
  const checkpoint = textFlag(args, 'resume');
  const [folder] = args.positional;
  if (folder !== undefined) {
    const remedy = 'Name the data with --data-path.';
    throw new InputError(expected('no folder', '--eval', folder, remedy));
  }
  if (checkpoint === undefined) {
    const remedy = 'It names the checkpoint to measure.';
    throw new InputError(expected('--resume FILE', '--eval', undefined, remedy));
  }
  const { evaluateCheckpoint } = await import('../evaluateCheckpoint.ts');
  const options = {
    checkpoint,
    overrides: overridesOf(args),
    batchSize: numberFlag(args, 'batch-size') ?? 200,
    limitVal: numberFlag(args, 'limit-val'),
    backend: textFlag(args, 'backend'),
    threads: numberFlag(args, 'threads'),
    precision: parsePrecision(textFlag(args, 'precision') ?? 'fp32'),
    weights: weightsChoice(args),
  };
  return evaluateCheckpoint(options, terminal);
}

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
  if (booleanFlag(args, 'pretrained')) assertPretrained(args);
  if (resume !== undefined && booleanFlag(args, 'dry-run')) {
    const remedy = 'It is about a run that begins: leave one of the two out.';
    throw new InputError(expected('no --resume', '--dry-run', resume, remedy));
  }
  if (resume === undefined && booleanFlag(args, 'allow-changes')) {
    const remedy =
      'It lets a run go on although its config differs: leave it out, or add --resume.';
    throw new InputError(expected('--resume', '--allow-changes', undefined, remedy));
  }
}

// The weights come from one place, and something has to name them.
function assertPretrained(args: Arguments): void {
  for (const name of ['resume', 'finetune']) {
    const value = textFlag(args, name);
    if (value === undefined) continue;
    const remedy = 'Both name weights to begin with: leave one of the two out.';
    throw new InputError(expected(`no --${name}`, '--pretrained', value, remedy));
  }
  if (args.positional.length === 0) pretrainedName(textFlag(args, 'model'));
}

/** The options that the flags set, by their path in the config. */
export function overridesOf(args: Arguments): Map<string, unknown> {
  const overrides = recipeOverrides(args);
  for (const [name, { path }] of Object.entries(settings)) {
    if (args.flags[name] !== undefined && !/^(clip|ema)\b/.test(path)) {
      overrides.set(path, args.flags[name]);
    }
  }
  const model = textFlag(args, 'model');
  if (booleanFlag(args, 'pretrained') && model !== undefined) {
    overrides.set('finetune', pretrainedName(model));
    // An id of the hub names no size: the model is that of the weights.
    if (modelFlag(args) === undefined) overrides.delete('model.name');
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
