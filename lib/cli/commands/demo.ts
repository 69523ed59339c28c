import { computeFlags, sharedFlags, textFlag } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit demo`: the attention picture of the shipped model, at once. */
export const demo: Command = {
  name: 'demo',
  describe: 'See what the shipped model of MNIST attends to in a test image',
  flags: {
    image: { ...sharedFlags.image, describe: `${sharedFlags.image.describe}; default 0` },
    output: {
      ...sharedFlags.output,
      describe: 'The picture to write; default imgs/mnist_attention.png',
    },
    backend: sharedFlags.backend,
    precision: sharedFlags.precision,
  },
  examples: [['demo', 'Writes imgs/mnist_attention.png']],
  async run(args, terminal) {
    const { drawAttention } = await import('../drawAttention.ts');
    const { packageFile } = await import('../packageFile.ts');
    return drawAttention(
      {
        image: textFlag(args, 'image') ?? '0',
        checkpoint: packageFile('checkpoints/mnist-vit'),
        output: textFlag(args, 'output') ?? 'imgs/mnist_attention.png',
        ...computeFlags(args),
      },
      terminal,
    );
  },
};
