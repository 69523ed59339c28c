// `tfjs-vit inspect`: what is in a checkpoint file.

import { booleanFlag, loadReportFlag, weightsChoice, weightsFlags } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit inspect`: what is in a checkpoint file, of any format; nothing in it is run. */
export const inspect: Command = {
  name: 'inspect',
  describe: 'Show what is in a checkpoint: tensors, metadata, the model, what is suspicious',
  positional: {
    name: 'CHECKPOINT',
    describe:
      "A file (.safetensors, PyTorch's .pth, .npz, …), a folder that holds one, or hf-hub:OWNER/NAME",
    min: 1,
    max: 1,
    reads: true,
  },
  flags: {
    tensors: { type: 'boolean', describe: 'Every tensor with its dtype and shape' },
    'load-report': loadReportFlag,
    ...weightsFlags,
    json: { type: 'boolean', describe: 'One JSON object on standard output' },
  },
  examples: [
    ['inspect deit_tiny.pth', 'What it holds, and which sizes have these shapes'],
    ['inspect model.safetensors --tensors', 'Every tensor'],
  ],
  async run(args, terminal) {
    const { findingLines, inspectCheckpoint } = await import('../inspectCheckpoint.ts');
    const { localCheckpoint } = await import('../localCheckpoint.ts');
    const path = await localCheckpoint(args.positional[0]!, terminal.error);
    const report = booleanFlag(args, 'load-report');
    const found = await inspectCheckpoint(path, { ...weightsChoice(args), report });
    if (booleanFlag(args, 'json')) terminal.out(JSON.stringify(found));
    else for (const line of findingLines(found, booleanFlag(args, 'tensors'))) terminal.out(line);
    return 0;
  },
};
