import { InputError, expected } from '../core/errors.ts';
import { precisions, type Precision } from '../core/precision.ts';
import { defaultModel } from './shippedModels.ts';
import type { Arguments, Flag } from './command.ts';

const checkpoint = {
  type: 'string',
  value: 'DIR|FILE',
  aliases: ['model-path'],
  describe:
    'A run folder, a folder with model.safetensors and config.json, or a .safetensors file in one',
} as const satisfies Flag;

/** Flags that several commands share, so that they read and work alike. */
export const sharedFlags = {
  backend: {
    type: 'string',
    value: 'NAME',
    choices: ['auto', 'native', 'wasm', 'cpu', 'tensorflow', 'webgpu'],
    describe: 'What computes; auto takes native, else wasm, else cpu',
  },
  threads: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 256,
    describe: 'Threads of the backend; default: its own choice',
  },
  precision: {
    type: 'string',
    value: 'NAME',
    choices: precisions,
    describe: 'Of matrix products, with sums and weights in float32; default fp32',
  },
  image: {
    type: 'string',
    value: 'FILE|INDEX',
    aliases: ['image-path'],
    describe: 'A picture, or the index of one in the test set',
  },
  checkpoint,
  checkpointOrShipped: {
    ...checkpoint,
    describe: `${checkpoint.describe}; default: ${defaultModel.title}`,
  },
  output: {
    type: 'string',
    value: 'FILE.png',
    aliases: ['output-path'],
    describe: 'The picture to write',
  },
  batchSize: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 1_000_000,
    describe: 'Images in a batch',
  },
} as const satisfies Record<string, Flag>;

/** The value of a text flag, or `undefined` if it was not given. */
export function textFlag(args: Arguments, name: string): string | undefined {
  const value = args.flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** What --backend, --threads and --precision ask for. */
export function computeFlags(args: Arguments): {
  backend: string | undefined;
  threads: number | undefined;
  precision: Precision;
} {
  const precision = (textFlag(args, 'precision') ?? 'fp32') as Precision;
  return { backend: textFlag(args, 'backend'), threads: numberFlag(args, 'threads'), precision };
}

/** The value of a number or integer flag, or `undefined` if it was not given. */
export function numberFlag(args: Arguments, name: string): number | undefined {
  const value = args.flags[name];
  return typeof value === 'number' ? value : undefined;
}

/** The value of a boolean flag; `fallback` if it was not given. */
export function booleanFlag(args: Arguments, name: string, fallback = false): boolean {
  const value = args.flags[name];
  return typeof value === 'boolean' ? value : fallback;
}

/** The value of a text flag that the command cannot do without. @throws InputError naming it */
export function neededFlag(args: Arguments, name: string): string {
  const value = textFlag(args, name);
  if (value === undefined) throw new InputError(expected('a value', `--${name}`, undefined));
  return value;
}
