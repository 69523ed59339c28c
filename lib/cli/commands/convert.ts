// `tfjs-vit convert`: a checkpoint in the form of another program.

import { InputError, expected } from '../../core/errors.ts';
import { booleanFlag, loadReportFlag, neededFlag, weightsChoice, weightsFlags } from '../flags.ts';
import type { Command } from '../command.ts';

const targets = ['safetensors', 'pth', 'onnx', 'timm', 'hf'] as const;

/** `tfjs-vit convert`: a checkpoint in the form of another program; nothing in it is run. */
export const convert: Command = {
  name: 'convert',
  describe:
    "Write a checkpoint as safetensors, PyTorch's .pth, ONNX, or a folder of timm or Hugging Face",
  positional: {
    name: 'CHECKPOINT',
    describe: 'A file of any format that is read, a folder that holds one, or hf-hub:OWNER/NAME',
    min: 1,
    max: 1,
    reads: true,
  },
  flags: {
    to: {
      type: 'string',
      value: 'FORM',
      choices: targets,
      required: true,
      describe:
        "safetensors, pth or onnx: one file; timm: a folder of timm's hub; hf: one of Hugging Face",
    },
    output: {
      type: 'string',
      value: 'FILE|DIR',
      writes: 'weights',
      required: true,
      describe: 'The file, or the new folder, to write',
    },
    'load-report': loadReportFlag,
    ...weightsFlags,
  },
  examples: [
    ['convert deit_tiny.pth --to safetensors --output deit_tiny.safetensors', 'One safe file'],
    [
      'convert runs/mnist --to timm --output mnist-timm',
      'timm.create_model("local-dir:mnist-timm")',
    ],
    ['convert runs/mnist --to pth --output mnist.pth', 'torch.load(…, weights_only=True) opens it'],
    ['convert runs/mnist --to onnx --output mnist.onnx', 'For ONNX Runtime: pixel_values → logits'],
  ],
  async run(args, terminal) {
    const { convertCheckpoint } = await import('../convertCheckpoint.ts');
    const to = targets.find((one) => one === args.flags['to']);
    if (to === undefined) throw new InputError(expected(targets.join(', '), '--to', undefined));
    const output = neededFlag(args, 'output');
    const count = await convertCheckpoint(
      args.positional[0]!,
      { to, output, report: booleanFlag(args, 'load-report'), ...weightsChoice(args) },
      terminal.error,
    );
    terminal.out(`Wrote ${count} tensors: ${output}`);
    return 0;
  },
};
