// `tfjs-vit learned`: what a model has learned.

import { computeFlags, neededFlag, sharedFlags, textFlag } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit learned`: patch filters, heads, features, logit lens, token norms and correspondence, as figures and numbers. */
export const learned: Command = {
  name: 'learned',
  describe: 'Draw what a model has learned: filters, heads, features, logit lens, norms',
  flags: {
    image: { ...sharedFlags.image, default: '0' },
    'second-image': {
      type: 'string',
      value: 'IMAGE',
      describe: 'Another one, whose patches are compared with those of the first',
      defaultText: 'none',
    },
    checkpoint: sharedFlags.checkpointOrNewest,
    model: sharedFlags.modelName,
    dataset: sharedFlags.dataset,
    theme: sharedFlags.theme,
    format: {
      type: 'string',
      value: 'NAME',
      choices: ['png', 'svg'],
      default: 'png',
      describe: 'How the figures are written',
    },
    'output-dir': {
      type: 'string',
      value: 'DIR',
      default: 'imgs/learned',
      describe: 'The folder of the figures and of learned.json, their numbers',
    },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
  },
  examples: [
    ['learned', 'Of the newest run, or of the shipped model'],
    ['learned --image 0 --second-image 17', 'And which patches of two images are alike'],
  ],
  async run(args, terminal) {
    const { drawLearned } = await import('../drawLearned.ts');
    const { chooseCheckpoint } = await import('../defaultCheckpoint.ts');
    const second = textFlag(args, 'second-image');
    const choice = { dataset: textFlag(args, 'dataset') };
    // Its numbers are float32 alone.
    const { backend, threads } = computeFlags({
      ...args,
      flags: { ...args.flags, precision: 'fp32' },
    });
    return drawLearned(
      {
        images: [neededFlag(args, 'image'), ...(second === undefined ? [] : [second])],
        checkpoint: await chooseCheckpoint(textFlag(args, 'checkpoint'), choice, terminal.error),
        modelName: textFlag(args, 'model'),
        theme: neededFlag(args, 'theme') as 'light' | 'dark',
        format: neededFlag(args, 'format') as 'png' | 'svg',
        outputDir: neededFlag(args, 'output-dir'),
        backend,
        threads,
      },
      terminal,
    );
  },
};
