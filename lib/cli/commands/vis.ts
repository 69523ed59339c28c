// `tfjs-vit vis`: the attention picture of an image.

import {
  checkpointFlag,
  computeFlags,
  neededFlag,
  neededNumber,
  pretrainedFlag,
  sharedFlags,
  textFlag,
  weightsChoice,
  weightsFlags,
} from '../flags.ts';
import { defaultModel } from '../shippedModels.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit vis`: what a model attends to in one image, as a picture. */
export const vis: Command = {
  name: 'vis',
  describe: 'Draw what a model attends to: every layer and head, the rollout, the prediction',
  flags: {
    image: { ...sharedFlags.image, default: '0' },
    checkpoint: sharedFlags.checkpointOrNewest,
    dataset: sharedFlags.dataset,
    ...weightsFlags,
    ...pretrainedFlag,
    output: { ...sharedFlags.output, default: defaultModel.picture },
    'head-fusion': {
      type: 'string',
      value: 'HOW',
      choices: ['mean', 'max', 'min'],
      describe: 'How the rollout joins the heads',
      default: 'mean',
    },
    'discard-ratio': {
      type: 'number',
      value: 'X',
      min: 0,
      max: 1 - Number.EPSILON,
      describe: 'Share of the smallest attentions that the rollout leaves out',
      default: 0,
    },
    contrast: {
      type: 'string',
      value: 'HOW',
      choices: ['shared', 'perMap'],
      describe: 'One colour range for all maps, or one for each',
      default: 'shared',
    },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: sharedFlags.precision,
  },
  examples: [
    ['vis --image 7', 'Image 7 of the test set, with the newest run'],
    ['vis --image digit.png --checkpoint runs/mnist --output digit_attention.png', 'Your own'],
  ],
  async run(args, terminal) {
    const { drawAttention } = await import('../drawAttention.ts');
    const { chooseCheckpoint } = await import('../defaultCheckpoint.ts');
    const { isIndex } = await import('../inputImage.ts');
    const image = neededFlag(args, 'image');
    return drawAttention(
      {
        image,
        checkpoint: await chooseCheckpoint(
          checkpointFlag(args),
          { dataset: textFlag(args, 'dataset'), needsData: isIndex(image) },
          terminal.error,
        ),
        weights: weightsChoice(args),
        output: neededFlag(args, 'output'),
        ...computeFlags(args),
        headFusion: neededFlag(args, 'head-fusion') as 'mean' | 'max' | 'min',
        contrast: neededFlag(args, 'contrast') as 'shared' | 'perMap',
        discardRatio: neededNumber(args, 'discard-ratio'),
      },
      terminal,
    );
  },
};
