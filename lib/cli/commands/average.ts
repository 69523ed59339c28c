// `tfjs-vit average`: the mean of the weights of several checkpoints.

import { neededFlag, weightsSet, weightsSetFlags } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit average`: the mean of the weights of several checkpoints, a "model soup". */
export const average: Command = {
  name: 'average',
  describe: 'Average the weights of several checkpoints of one model',
  positional: {
    name: 'CHECKPOINT',
    describe: 'Two or more files, folders or hf-hub:OWNER/NAME, with the same tensors',
    min: 2,
    max: 1000,
    reads: true,
  },
  flags: {
    output: {
      type: 'string',
      value: 'FILE',
      writes: 'weights',
      required: true,
      describe: 'The .safetensors file to write; the configuration is that of the first',
    },
    ...weightsSetFlags,
  },
  examples: [
    ['average runs/a runs/b runs/c --output soup.safetensors', 'Three runs from one start'],
  ],
  async run(args, terminal) {
    const { averageTensors } = await import('../../checkpoints/averageTensors.ts');
    const { formatSafetensors } = await import('../../checkpoints/safetensors.ts');
    const { readCheckpoint } = await import('../../io/checkpointFile.ts');
    const { localCheckpoint } = await import('../localCheckpoint.ts');
    const { writeAtomically } = await import('../outputFile.ts');
    const options = weightsSet(args);
    const read = [];
    for (const path of args.positional) {
      read.push(await readCheckpoint(await localCheckpoint(path, terminal.error), options));
    }
    const tensors = averageTensors(read.map((one) => one.tensors));
    const [first] = read;
    const config = first?.config;
    const output = neededFlag(args, 'output');
    const metadata = { format: 'pt', ...(config && { config: JSON.stringify(config) }) };
    await writeAtomically(output, formatSafetensors(tensors, metadata));
    terminal.out(
      `Wrote the mean of ${read.length} checkpoints, ${tensors.size} tensors: ${output}`,
    );
    return 0;
  },
};
