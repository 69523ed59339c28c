// `tfjs-vit demo`: the attention picture of the shipped model.

import { computeFlags, neededFlag, sharedFlags } from '../flags.ts';
import { packageFile } from '../packageFile.ts';
import { defaultModel } from '../shippedModels.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit demo`: the attention picture of the shipped model, at once. */
export const demo: Command = {
  name: 'demo',
  describe: `See what ${defaultModel.title} attends to in a test image`,
  flags: {
    image: { ...sharedFlags.image, default: '0' },
    output: { ...sharedFlags.output, default: defaultModel.picture },
    backend: sharedFlags.backend,
    precision: sharedFlags.precision,
  },
  examples: [['demo', `Writes ${defaultModel.picture}`]],
  async run(args, terminal) {
    const { drawAttention } = await import('../drawAttention.ts');
    return drawAttention(
      {
        image: neededFlag(args, 'image'),
        checkpoint: packageFile(defaultModel.folder),
        output: neededFlag(args, 'output'),
        ...computeFlags(args),
      },
      terminal,
    );
  },
};
