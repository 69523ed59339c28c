// `tfjs-vit positions`: the similarity of a model's position embeddings.

import {
  checkpointFlag,
  modelFlag,
  neededFlag,
  pretrainedFlag,
  sharedFlags,
  textFlag,
} from '../flags.ts';
import type { Command } from '../command.ts';
import type { Colormap } from '../../figures/colormap.ts';

/** `tfjs-vit positions`: the similarity of the position embeddings that a model has learned. */
export const positions: Command = {
  name: 'positions',
  describe: 'Draw how similar the position embeddings of all patches are',
  flags: {
    checkpoint: sharedFlags.checkpointOrNewest,
    model: sharedFlags.modelName,
    ...pretrainedFlag,
    dataset: sharedFlags.dataset,
    colormap: { ...sharedFlags.colormap, default: 'viridis' },
    theme: sharedFlags.theme,
    output: { ...sharedFlags.output, default: 'imgs/position_embedding.png' },
    csv: {
      type: 'string',
      value: 'FILE',
      writes: 'table',
      describe: 'Also write the cosines as CSV',
    },
  },
  examples: [['positions --checkpoint runs/mnist', 'Of your own model']],
  async run(args, terminal) {
    const { drawPositions } = await import('../drawPositions.ts');
    const { chooseCheckpoint } = await import('../defaultCheckpoint.ts');
    const choice = { dataset: textFlag(args, 'dataset') };
    return drawPositions(
      {
        checkpoint: await chooseCheckpoint(checkpointFlag(args), choice, terminal.error),
        modelName: modelFlag(args),
        colormap: neededFlag(args, 'colormap') as Colormap,
        theme: neededFlag(args, 'theme') as 'light' | 'dark',
        output: neededFlag(args, 'output'),
        csv: textFlag(args, 'csv'),
      },
      terminal,
    );
  },
};
