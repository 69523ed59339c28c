import { computeFlags, sharedFlags, textFlag } from '../flags.ts';
import { defaultCheckpoint, defaultModel } from '../shippedModels.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit demo`: the attention picture of the shipped model, at once. */
export const demo: Command = {
  name: 'demo',
  describe: `See what ${defaultModel.title} attends to in a test image`,
  flags: {
    image: { ...sharedFlags.image, describe: `${sharedFlags.image.describe}; default 0` },
    output: {
      ...sharedFlags.output,
      describe: `The picture to write; default ${defaultModel.picture}`,
    },
    backend: sharedFlags.backend,
    precision: sharedFlags.precision,
  },
  examples: [['demo', `Writes ${defaultModel.picture}`]],
  async run(args, terminal) {
    const { drawAttention } = await import('../drawAttention.ts');
    return drawAttention(
      {
        image: textFlag(args, 'image') ?? '0',
        checkpoint: defaultCheckpoint(),
        output: textFlag(args, 'output') ?? defaultModel.picture,
        ...computeFlags(args),
      },
      terminal,
    );
  },
};
