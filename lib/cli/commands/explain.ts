// `tfjs-vit explain`: which patches of an image speak for a class.

import {
  booleanFlag,
  checkpointFlag,
  computeFlags,
  modelFlag,
  neededFlag,
  numberFlag,
  pretrainedFlag,
  sharedFlags,
  textFlag,
} from '../flags.ts';
import type { Command } from '../command.ts';
import type { Colormap } from '../../figures/colormap.ts';

/** `tfjs-vit explain`: which patches of an image speak for a class, as a picture and as numbers. */
export const explain: Command = {
  name: 'explain',
  describe: 'Draw which patches of an image speak for a class, by any method',
  flags: {
    image: { ...sharedFlags.image, default: '0' },
    checkpoint: sharedFlags.checkpointOrNewest,
    model: sharedFlags.modelName,
    ...pretrainedFlag,
    dataset: sharedFlags.dataset,
    method: {
      type: 'string',
      value: 'NAME',
      choices: [
        'relevance',
        'transformer-attribution',
        'rollout',
        'grad-rollout',
        'attention',
        'lrp-rollout',
        'lrp-last-layer',
        'lrp-full',
        'attention-gradcam',
        'grad-cam',
        'attn-lrp',
        'attn-lrp-gamma',
        'integrated-gradients',
        'smooth-grad',
        'occlusion',
      ],
      default: 'relevance',
      describe: 'How relevance is found',
    },
    'class-index': {
      type: 'string',
      value: 'NUMBER|NAME',
      aliases: ['class', 'target'],
      describe: 'The class that is explained',
      defaultText: 'the predicted one',
    },
    'second-class': {
      type: 'string',
      value: 'NUMBER|NAME',
      describe: 'Another class beside it; none: no other',
      defaultText: 'the likeliest other one',
    },
    'start-layer': {
      type: 'integer',
      value: 'N',
      describe: 'The first block that counts, from 0; −1 is the last',
      defaultText: '0',
    },
    ledger: {
      type: 'boolean',
      describe: 'Print and draw where the logit comes from (attn-lrp, integrated-gradients)',
    },
    colormap: {
      ...sharedFlags.colormap,
      defaultText: 'inferno, or blueRed for a method whose maps have a sign',
    },
    interpolation: {
      type: 'string',
      value: 'HOW',
      choices: ['bilinear', 'nearest'],
      default: 'bilinear',
      describe: 'Overlays smooth, or patch by patch',
    },
    theme: sharedFlags.theme,
    output: { ...sharedFlags.output, default: 'imgs/explanation.png' },
    json: {
      type: 'string',
      value: 'FILE',
      writes: 'explanation',
      describe: 'Also write the numbers as JSON',
    },
    csv: {
      type: 'string',
      value: 'FILE',
      writes: 'table',
      describe: 'Also write the maps as CSV, a line a patch',
    },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: sharedFlags.precision,
  },
  examples: [
    ['explain --image digit.png --class-index 3', 'What speaks for a 3'],
    ['explain --method attn-lrp --ledger --json numbers.json', 'Where the logit comes from'],
  ],
  async run(args, terminal) {
    const { drawExplanation } = await import('../drawExplanation.ts');
    const { chooseCheckpoint } = await import('../defaultCheckpoint.ts');
    const { isIndex } = await import('../inputImage.ts');
    const image = neededFlag(args, 'image');
    return drawExplanation(
      {
        image,
        checkpoint: await chooseCheckpoint(
          checkpointFlag(args),
          { dataset: textFlag(args, 'dataset'), needsData: isIndex(image) },
          terminal.error,
        ),
        modelName: modelFlag(args),
        method: neededFlag(args, 'method'),
        target: textFlag(args, 'class-index'),
        second: textFlag(args, 'second-class'),
        startLayer: numberFlag(args, 'start-layer'),
        ledger: booleanFlag(args, 'ledger'),
        colormap: textFlag(args, 'colormap') as Colormap | undefined,
        interpolation: neededFlag(args, 'interpolation') as 'bilinear' | 'nearest',
        theme: neededFlag(args, 'theme') as 'light' | 'dark',
        output: neededFlag(args, 'output'),
        json: textFlag(args, 'json'),
        csv: textFlag(args, 'csv'),
        ...computeFlags(args),
      },
      terminal,
    );
  },
};
