// `tfjs-vit profile`: where the time of a step goes.

import { InputError } from '../../core/errors.ts';
import { neededFlag, neededNumber, numberFlag, sharedFlags, textFlag } from '../flags.ts';
import type { Precision } from '../../core/precision.ts';
import type { Command } from '../command.ts';

// The config of a profile may say the precision, so that the flag itself has no default.
const { default: usual, ...precision } = sharedFlags.precision;
const configuredPrecision = { ...precision, defaultText: `${usual}, or what the config says` };

/** `tfjs-vit profile`: where the time of a training or inference step goes. */
export const profile: Command = {
  name: 'profile',
  describe: 'Show where the time of a step goes: each kernel, each phase, a flame chart',
  flags: {
    model: {
      type: 'string',
      value: 'NAME',
      describe: 'A size (see summary --list), on random images',
      defaultText: 'a ViT of 28 × 28 pixels',
    },
    config: {
      type: 'string',
      value: 'FILE',
      reads: true,
      describe: 'Instead, an experiment with its data: .ts, .js or .json',
    },
    mode: {
      type: 'string',
      value: 'MODE',
      choices: ['train', 'infer'],
      describe: 'What a step is: an update of the weights, or logits',
      default: 'train',
    },
    batch: {
      ...sharedFlags.batchSize,
      aliases: ['batch-size'],
      defaultText: '64, or what the config says',
    },
    steps: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 10_000,
      describe: 'Steps to measure, after two that warm up',
      default: 10,
    },
    top: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 1000,
      describe: 'Kernels to show, the rest in one line',
      default: 15,
    },
    trace: {
      type: 'string',
      value: 'FILE.json',
      writes: 'trace',
      describe: 'Also write a flame chart for chrome://tracing and ui.perfetto.dev',
    },
    chart: {
      type: 'string',
      value: 'FILE',
      writes: 'picture',
      describe: 'Also draw the shares as bars: .png or .svg',
    },
    json: {
      type: 'string',
      value: 'FILE',
      writes: 'profile',
      describe: 'Also write the whole table as JSON',
    },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: configuredPrecision,
  },
  examples: [
    ['profile', 'A training step of a small ViT'],
    [
      'profile --model vit_tiny_patch16_224 --batch 8 --mode infer --trace trace.json',
      'ViT-Ti/16, with a flame chart',
    ],
    ['profile --config mnist/config.ts --top 5 --chart profile.png', 'An experiment of your own'],
  ],
  async run(args, terminal) {
    const [model, config] = [textFlag(args, 'model'), textFlag(args, 'config')];
    if (model !== undefined && config !== undefined) {
      throw new InputError('Expected --model or --config for profile, received both. Give one.');
    }
    const { profileCommand } = await import('../profile.ts');
    return profileCommand(
      {
        model,
        config,
        mode: neededFlag(args, 'mode') as 'train' | 'infer',
        batchSize: numberFlag(args, 'batch'),
        steps: neededNumber(args, 'steps'),
        top: neededNumber(args, 'top'),
        trace: textFlag(args, 'trace'),
        chart: textFlag(args, 'chart'),
        json: textFlag(args, 'json'),
        backend: textFlag(args, 'backend'),
        threads: numberFlag(args, 'threads'),
        precision: textFlag(args, 'precision') as Precision | undefined,
      },
      terminal,
    );
  },
};
