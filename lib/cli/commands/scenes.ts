// `tfjs-vit scenes`: pictures of shapes and digits with captions and boxes.

import { neededFlag, neededNumber } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit scenes`: pictures of shapes and digits with captions and boxes, drawn from a seed. */
export const scenes: Command = {
  name: 'scenes',
  describe: 'Draw scenes of shapes and digits, with captions and boxes, from a seed',
  flags: {
    output: {
      type: 'string',
      value: 'DIR',
      required: true,
      describe: 'The folder of the pictures and of annotations.jsonl',
    },
    count: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 1_000_000,
      default: 100,
      describe: 'Scenes',
    },
    size: {
      type: 'integer',
      value: 'N',
      min: 16,
      max: 4096,
      default: 64,
      describe: 'Sides of a picture in pixels',
    },
    'max-objects': {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 6,
      default: 3,
      describe: 'A scene has 1 to this many objects',
    },
    seed: { type: 'integer', value: 'N', min: 0, default: 0, describe: 'Same seed, same scenes' },
  },
  examples: [['scenes --output scenes --count 1000', 'A thousand scenes']],
  async run(args, terminal) {
    const { generateScenes } = await import('../generateScenes.ts');
    return generateScenes(
      {
        output: neededFlag(args, 'output'),
        count: neededNumber(args, 'count'),
        size: neededNumber(args, 'size'),
        maxObjects: neededNumber(args, 'max-objects'),
        seed: neededNumber(args, 'seed'),
      },
      terminal,
    );
  },
};
