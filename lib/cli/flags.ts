// Flags that several commands share, flags made from tables of options, and access to the values of both.

import { InputError, expected } from '../core/errors.ts';
import { precisionOption, type Precision } from '../core/precision.ts';
import type { Option, OptionTable } from '../core/option.ts';
import { defaultModel } from './shippedModels.ts';
import { pretrainedAddress } from '../hub/hubAddress.ts';
import type { Arguments, Flag } from './command.ts';

const checkpoint = {
  type: 'string',
  value: 'DIR|FILE',
  reads: true,
  aliases: ['model-path'],
  describe:
    "A run folder, a folder of timm's hub or Hugging Face, hf-hub:OWNER/NAME, or a file: .safetensors, PyTorch's .pth, .pt, .bin, .ckpt, Google's .npz",
} as const satisfies Flag;

/** The flags that say which of a file's sets of weights is taken. */
export const weightsSetFlags = {
  'use-ema': {
    type: 'boolean',
    describe: 'The averaged weights of a checkpoint that has both: model_ema, state_dict_ema',
  },
  'checkpoint-key': {
    type: 'string',
    value: 'KEY',
    describe: 'The key of the weights in a file that has several sets: teacher',
    defaultText: 'model, state_dict, …',
  },
} as const satisfies Record<string, Flag>;

/** The flag for a line on every tensor of a checkpoint. */
export const loadReportFlag = {
  type: 'boolean',
  describe: 'A line for every tensor: loaded, converted, resampled, dropped or missing',
} as const satisfies Flag;

/** The flags that say which weights of a checkpoint are taken, and of which model they are. */
export const weightsFlags = {
  model: {
    type: 'string',
    value: 'NAME',
    describe:
      'The size of a checkpoint that has no config.json: vit_tiny_patch16_224, vit_tiny_16_224',
    defaultText: 'as is stored with it',
  },
  ...weightsSetFlags,
} as const satisfies Record<string, Flag>;

/** The values of `weightsSetFlags`. */
export function weightsSet(args: Arguments): {
  useEma: true | undefined;
  checkpointKey: string | undefined;
} {
  const useEma = booleanFlag(args, 'use-ema') ? true : undefined;
  return { useEma, checkpointKey: textFlag(args, 'checkpoint-key') };
}

/** The flag that takes the weights of a named model from the hub. */
export const pretrainedFlag = {
  pretrained: {
    type: 'boolean',
    describe:
      'The weights that the Hugging Face hub has of --model: a name of timm, with a tag or without, or OWNER/NAME',
  },
} as const satisfies Record<string, Flag>;

/**
 * The checkpoint that --checkpoint names, or --pretrained with --model: an address of the hub.
 *
 * @throws InputError if both do, or --pretrained has no model that is on the hub
 */
export function checkpointFlag(args: Arguments): string | undefined {
  const [given, model] = [textFlag(args, 'checkpoint'), textFlag(args, 'model')];
  if (!booleanFlag(args, 'pretrained')) return given;
  if (given !== undefined) {
    const remedy = 'Leave one of the two out.';
    throw new InputError(expected('no --checkpoint', '--pretrained', given, remedy));
  }
  return pretrainedName(model);
}

/** The address on the hub of the weights that --pretrained asks for. @throws InputError without a model that is there */
export function pretrainedName(model: string | undefined): string {
  if (model === undefined) {
    const remedy = 'It names the weights: --model vit_tiny_patch16_224 --pretrained.';
    throw new InputError(expected('--model NAME', '--pretrained', undefined, remedy));
  }
  const { repo, revision } = pretrainedAddress(model);
  return revision === 'main' ? `hf-hub:${repo}` : `hf-hub:${repo}@${revision}`;
}

/** The model that a checkpoint has to be; not given where --model is an id of the hub, which names no model. */
export function modelFlag(args: Arguments): string | undefined {
  const model = textFlag(args, 'model');
  return booleanFlag(args, 'pretrained') && model?.includes('/') === true ? undefined : model;
}

/** The values of `weightsFlags`. */
export function weightsChoice(
  args: Arguments,
): ReturnType<typeof weightsSet> & { model: string | undefined } {
  return { model: modelFlag(args), ...weightsSet(args) };
}

/** Flags that several commands share, so that they read and work alike. */
export const sharedFlags = {
  backend: {
    type: 'string',
    value: 'NAME',
    choices: ['auto', 'native', 'wasm', 'cpu', 'tensorflow', 'webgpu'],
    default: 'auto',
    describe: 'What computes; auto takes native, else wasm, else cpu',
  },
  threads: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 256,
    describe: 'Threads of the backend',
    defaultText: "the backend's choice",
  },
  precision: { ...precisionOption, value: 'NAME' },
  image: {
    type: 'string',
    value: 'FILE|INDEX',
    reads: true,
    aliases: ['image-path'],
    describe: 'A picture, or the index of one in the test set',
  },
  checkpoint,
  checkpointOrNewest: {
    ...checkpoint,
    defaultText: `the newest run in runs, else ${defaultModel.title}`,
  },
  dataset: {
    type: 'string',
    value: 'NAME',
    describe: 'Without --checkpoint: only a run that was trained on this data set is taken',
    defaultText: 'any',
  },
  modelName: {
    type: 'string',
    value: 'NAME',
    describe: 'The model that the checkpoint has to be: vit_tiny_16_224',
    defaultText: 'any',
  },
  colormap: {
    type: 'string',
    value: 'NAME',
    choices: ['viridis', 'inferno', 'magma', 'cividis', 'blues', 'blueRed', 'jet'],
    describe: 'The colours',
  },
  theme: {
    type: 'string',
    value: 'NAME',
    choices: ['light', 'dark'],
    default: 'light',
    describe: 'The ground of the picture',
  },
  output: {
    type: 'string',
    value: 'FILE',
    writes: 'picture',
    aliases: ['output-path'],
    describe: 'The picture to write: .png or .svg',
  },
  batchSize: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 1_000_000,
    describe: 'Images in a batch',
  },
} as const satisfies Record<string, Flag>;

/** A flag that sets an option at `path` of a config: `optimizer.momentum`. */
export interface OptionPathFlag extends Flag {
  readonly path: string;
}

/**
 * The flags of a table of options, by name. What is not given on the command line is not set, so that the config decides.
 *
 * @param heading  above the flags in the help; those of a group have the group's title as theirs
 * @param path     where the table lies in the config: `optimizer`
 */
export function flagsOf(
  table: OptionTable,
  heading?: string,
  path = '',
): Record<string, OptionPathFlag> {
  const flags: Record<string, OptionPathFlag> = {};
  for (const [key, option] of Object.entries(table)) {
    const place = path === '' ? key : `${path}.${key}`;
    if (option.flag !== undefined) flags[option.flag.name] = flagOf(option, place, heading);
    if (option.options === undefined) continue;
    const inner = `${option.title ?? key}:`;
    const own = option.flag?.name;
    if (own !== undefined) flags[own] = { ...flags[own]!, group: inner };
    Object.assign(flags, flagsOf(option.options, inner, place));
  }
  return flags;
}

/** The flag of the option at `path`: `momentum` for `optimizer.momentum`; the path itself if it has none. */
export function flagNameAt(table: OptionTable, path: string): string {
  const [first = '', ...rest] = path.split('.');
  const option = table[first];
  if (rest.length > 0 && option?.options) return flagNameAt(option.options, rest.join('.'));
  return option?.flag?.name ?? path;
}

// A group's flag is a switch: it turns the group on and off.
function flagOf(option: Option, path: string, heading: string | undefined): OptionPathFlag {
  const { type, describe, choices, spellings, min, max, length, default: given, flag } = option;
  const kind = flag?.type ?? (type === 'group' ? 'boolean' : type);
  if (kind === 'any' || kind === 'integers') {
    throw new InputError(expected('a single value', `the flag of ${path}`, type));
  }
  return {
    type: kind,
    describe: flag?.describe ?? describe,
    path,
    ...(choices && { choices }),
    ...(spellings && { spellings }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(length !== undefined && { length }),
    ...(flag?.value !== undefined && { value: flag.value }),
    ...(flag?.aliases && { aliases: flag.aliases }),
    ...(flag?.reads && { reads: flag.reads }),
    ...(kind !== 'boolean' && given != null && { defaultText: defaultText(given) }),
    ...(heading !== undefined && { group: heading }),
  };
}

function defaultText(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : String(value as string | number);
}

/** The value of a text flag, or `undefined` if it was not given. */
export function textFlag(args: Arguments, name: string): string | undefined {
  const value = args.flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** The values of --backend, --threads and --precision. */
export function computeFlags(args: Arguments): {
  backend: string | undefined;
  threads: number | undefined;
  precision: Precision;
} {
  return {
    backend: textFlag(args, 'backend'),
    threads: numberFlag(args, 'threads'),
    precision: neededFlag(args, 'precision') as Precision,
  };
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

/** The value of a text flag that is required or has a default. @throws InputError naming it */
export function neededFlag(args: Arguments, name: string): string {
  const value = textFlag(args, name);
  if (value === undefined) throw new InputError(expected('a value', `--${name}`, undefined));
  return value;
}

/** The value of a number or integer flag that is required or has a default. @throws InputError naming it */
export function neededNumber(args: Arguments, name: string): number {
  const value = numberFlag(args, name);
  if (value === undefined) throw new InputError(expected('a number', `--${name}`, undefined));
  return value;
}
