// Parses the options of a Vision Transformer in any of the vocabularies in use.

import { closest } from 'fastest-levenshtein';
import { InputError, expected } from '../../core/errors.ts';
import { assertInteger, assertNumber, isRecord } from '../../core/check.ts';
import {
  defaultConfig,
  assertModelConfig,
  mlpHiddenDimOf,
  type Activation,
  type VisionTransformerConfig,
} from './config.ts';

/** A part of a configuration in our names, sizes as a number or [height, width]; the rest has timm's defaults. */
export type VisionTransformerOptions = Partial<
  Omit<VisionTransformerConfig, 'imageSize' | 'patchSize' | 'fcNorm'>
> & {
  readonly imageSize?: number | readonly [number, number];
  readonly patchSize?: number | readonly [number, number];
  readonly fcNorm?: boolean | null;
  /** Hidden width of the feed-forward parts, instead of `mlpRatio`. */
  readonly hiddenDim?: number;
  /** Number of blocks, as `depth`. */
  readonly numLayers?: number;
  /** As `inChannels`. */
  readonly numChannels?: number;
  /** Patches of a square image, instead of `imageSize`. */
  readonly numPatches?: number;
  /** `posDropRate` and `projDropRate` in one, the dropout of the ViT paper. */
  readonly dropout?: number;
};

// Every name in use, without case, dashes and underscores: imgSize, img_size and img-size are the same.
const names: Record<string, readonly string[]> = {
  imageSize: ['imagesize', 'imgsize', 'inputsize'],
  patchSize: ['patchsize'],
  inChannels: ['inchannels', 'inchans', 'numchannels'],
  numClasses: ['numclasses', 'nbclasses', 'numlabels'],
  embedDim: ['embeddim', 'hiddensize'],
  depth: ['depth', 'numlayers', 'numhiddenlayers'],
  numHeads: ['numheads', 'numattentionheads'],
  mlpRatio: ['mlpratio'],
  hiddenDim: ['hiddendim', 'mlpdim', 'intermediatesize'],
  qkvBias: ['qkvbias'],
  qkNorm: ['qknorm'],
  layerScaleInit: ['layerscaleinit', 'initvalues', 'layerscalevalue'],
  classToken: ['classtoken'],
  regTokens: ['regtokens', 'numregistertokens'],
  distilled: ['distilled'],
  noEmbedClass: ['noembedclass'],
  preNorm: ['prenorm'],
  globalPool: ['globalpool'],
  poolIncludePrefix: ['poolincludeprefix'],
  fcNorm: ['fcnorm'],
  normEps: ['normeps', 'layernormeps'],
  activation: ['activation', 'actlayer', 'hiddenact'],
  posEmbed: ['posembed'],
  dynamicImageSize: ['dynamicimagesize', 'dynamicimgsize'],
  dropRate: ['droprate', 'drop'],
  posDropRate: ['posdroprate'],
  projDropRate: ['projdroprate'],
  attnDropRate: ['attndroprate', 'attentionprobsdropoutprob'],
  dropPathRate: ['droppathrate', 'droppath'],
  dropout: ['dropout', 'hiddendropoutprob'],
  numPatches: ['numpatches'],
  weightInit: ['weightinit'],
  seed: ['seed'],
};
const fieldOf = new Map(
  Object.entries(names).flatMap(([field, aliases]) => aliases.map((alias) => [alias, field])),
);
// Keys of Hugging Face's config.json that do not change the model.
const ignored = new Set([
  'architectures', 'attn_implementation', 'dtype', 'encoder_stride', 'finetuning_task', 'id2label', 'initializer_range',
  'label2id', 'model_type', 'pooler_act', 'pooler_output_size', 'problem_type', '_name_or_path', 'torch_dtype',
  'transformers_version',
]); // prettier-ignore

const activations: Record<string, Activation> = {
  gelu: 'gelu',
  gelu_tanh: 'gelu_tanh',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
};

/**
 * Parses model options into a complete configuration in our names. It understands our names, timm's, Hugging Face's, DeiT's
 * flags, and `hiddenDim, numLayers, numChannels, numPatches, dropout`.
 *
 * `hiddenDim` becomes `mlpRatio`; `numPatches` without `imageSize` a square image; `dropout` both `posDropRate` and
 * `projDropRate`; the size of Hugging Face's `id2label` is `numClasses`. A value of undefined or null counts as left out, except
 * that `layerScaleInit: null` is no layer scale.
 *
 * @throws InputError for a name it does not know, with the nearest one it does; for two names of one option, or for options
 *   that exclude each other, naming both
 *
 * @example
 * parseModelConfig({embed_dim: 192, num_heads: 3}).depth;                                    // 12
 * parseModelConfig({numPatches: 196, patchSize: 16}).imageSize;                              // [224, 224]
 */
export function parseModelConfig(options: unknown): VisionTransformerConfig {
  const { values, given } = collect(options);
  const patchSize = pair(values.get('patchSize') ?? defaultConfig.patchSize, 'patchSize');
  const partial: Record<string, unknown> = { ...defaultConfig };
  for (const [field, value] of values) if (field in partial) partial[field] = value;
  partial.patchSize = patchSize;
  partial.imageSize = imageSizeOf(values, given, patchSize);
  partial.fcNorm =
    values.get('fcNorm') ?? ['avg', 'avgmax', 'max'].includes(partial.globalPool as string);
  if (given.get('embedDim') === 'hidden_size' && !values.has('normEps')) partial.normEps = 1e-12;
  renameValues(partial);
  applyHiddenDim(partial, values, given);
  applyDropout(partial, values, given);
  const config = partial as unknown as VisionTransformerConfig;
  assertModelConfig(config);
  return config;
}

/**
 * The options by our names, values as given; null and undefined are left out.
 *
 * @throws InputError for a name it does not know, or two names of one option with different values
 */
export function knownOptions(options: unknown): Record<string, unknown> {
  return Object.fromEntries(collect(options).values);
}

// The values by our field names, and under which name each was given.
function collect(options: unknown): { values: Map<string, unknown>; given: Map<string, string> } {
  if (!isRecord(options)) {
    throw new InputError(expected('an object of model options', 'config', options));
  }
  const values = new Map<string, unknown>();
  const given = new Map<string, string>();
  for (const [key, received] of Object.entries(options)) {
    if (received === undefined || ignored.has(key)) continue;
    const field = fieldOf.get(key.toLowerCase().replace(/[-_]/g, ''));
    if (field === undefined) {
      const nearest = closest(key, Object.keys(names));
      throw new InputError(expected('a model option', 'config', key, `Did you mean ${nearest}?`));
    }
    // `layerScaleInit: null` means no layer scale; any other null is an option left out.
    const value: unknown = received ?? (field === 'layerScaleInit' ? 0 : undefined);
    if (value === undefined) continue;
    if (values.has(field) && JSON.stringify(values.get(field)) !== JSON.stringify(value)) {
      const earlier = `${given.get(field)} ${JSON.stringify(values.get(field))}`;
      throw conflict(`the same value as ${earlier}`, key, value);
    }
    values.set(field, value);
    given.set(field, key);
  }
  const { id2label } = options as { id2label?: unknown };
  if (typeof id2label === 'object' && id2label !== null && !values.has('numClasses')) {
    values.set('numClasses', Object.keys(id2label).length);
    given.set('numClasses', 'id2label');
  }
  return { values, given };
}

function conflict(what: string, name: string, value: unknown): InputError {
  return new InputError(expected(what, name, value, 'Give one of the two.'));
}

function pair(value: unknown, name: string): readonly [number, number] {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && value.length === 2 && value.every((v) => typeof v === 'number')) {
    return [value[0] as number, value[1] as number];
  }
  throw new InputError(expected('a number or [height, width]', name, value));
}

function imageSizeOf(
  values: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, string>,
  patchSize: readonly [number, number],
): readonly [number, number] {
  const size = values.get('imageSize');
  const numPatches = values.get('numPatches');
  const image = size === undefined ? undefined : pair(size, 'imageSize');
  if (numPatches === undefined) return image ?? defaultConfig.imageSize;
  assertInteger('numPatches', numPatches, { min: 1, max: 2 ** 24 });
  if (image === undefined) {
    const side = Math.round(Math.sqrt(numPatches));
    if (side * side === numPatches) return [side * patchSize[0], side * patchSize[1]];
    throw new InputError(
      expected('a square number', 'numPatches', numPatches, 'Give imageSize [height, width].'),
    );
  }
  const follows = (image[0] / patchSize[0]) * (image[1] / patchSize[1]);
  if (follows === numPatches) return image;
  const sizes = `${given.get('imageSize')} ${image.join('×')} and patchSize ${patchSize.join('×')}`;
  throw conflict(`${follows}, which follows from ${sizes},`, 'numPatches', numPatches);
}

function renameValues(config: Record<string, unknown>): void {
  const { activation, posEmbed } = config;
  if (typeof activation === 'string' && Object.hasOwn(activations, activation)) {
    config.activation = activations[activation];
  }
  // timm builds no layer scale for 0 either.
  if (config.layerScaleInit === 0) config.layerScaleInit = null;
  if (posEmbed === 'learn') config.posEmbed = 'learned';
  if (posEmbed === '') config.posEmbed = 'none';
}

function applyHiddenDim(
  config: Record<string, unknown>,
  values: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, string>,
): void {
  const hiddenDim = values.get('hiddenDim');
  if (hiddenDim === undefined) return;
  assertInteger('hiddenDim', hiddenDim, { min: 1, max: 2 ** 20 });
  const { embedDim } = config;
  assertInteger('embedDim', embedDim, { min: 1 });
  const ratio = values.get('mlpRatio');
  if (ratio !== undefined && mlpHiddenDimOf({ embedDim, mlpRatio: Number(ratio) }) !== hiddenDim) {
    throw conflict(
      `embedDim ${embedDim} · ${given.get('mlpRatio')} ${Number(ratio)}`,
      given.get('hiddenDim')!,
      hiddenDim,
    );
  }
  config.mlpRatio = ratio ?? hiddenDim / embedDim;
}

function applyDropout(
  config: Record<string, unknown>,
  values: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, string>,
): void {
  const dropout = values.get('dropout');
  if (dropout === undefined) return;
  assertNumber('dropout', dropout, { min: 0, max: 0.999 });
  for (const field of ['posDropRate', 'projDropRate'] as const) {
    const own = values.get(field);
    if (own !== undefined && own !== dropout) {
      throw conflict(
        `${String(dropout)}, as ${given.get('dropout')} says,`,
        given.get(field)!,
        own,
      );
    }
    config[field] = dropout;
  }
}
