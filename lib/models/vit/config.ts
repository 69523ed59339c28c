// The configuration of a Vision Transformer, its defaults, and what no model can be built from.

import { assertInteger, assertNumber, assertOneOf } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import type { WeightInit } from '../../layers/initScope.ts';
import type { PosEmbedKind } from '../../layers/posEmbed.ts';

/** How the tokens become one vector: the class token, a mean, their mean and maximum, attention by a learned query, or not at all. */
export type GlobalPool = 'token' | 'avg' | 'avgmax' | 'max' | 'map' | '';

/** The non-linearity of the feed-forward parts, by timm's name: exact, tanh approximation, sigmoid approximation. */
export type Activation = 'gelu' | 'gelu_tanh' | 'quick_gelu';

/**
 * Everything that decides a VisionTransformer, complete: what is stored beside its weights.
 *
 * The fields are timm's options in camelCase. `parseModelConfig` makes one from any of the vocabularies in use.
 */
export interface VisionTransformerConfig {
  /** [height, width] in pixels, multiples of `patchSize`. */
  readonly imageSize: readonly [number, number];
  /** [height, width] in pixels. */
  readonly patchSize: readonly [number, number];
  readonly inChannels: number;
  /** 0: no head, the logits are the pooled features. */
  readonly numClasses: number;
  readonly embedDim: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Divides `embedDim`. */
  readonly numHeads: number;
  /** Hidden width of the feed-forward parts over `embedDim`. */
  readonly mlpRatio: number;
  readonly qkvBias: boolean;
  /** Layer-normalises queries and keys over the head dimension. */
  readonly qkNorm: boolean;
  /** First value of the layer scales; null: none. */
  readonly layerScaleInit: number | null;
  readonly classToken: boolean;
  /** Number of register tokens. */
  readonly regTokens: number;
  /** DeiT's distillation token and second head. */
  readonly distilled: boolean;
  /** True: prefix tokens have no position embedding. */
  readonly noEmbedClass: boolean;
  /** True: a norm before the blocks and no bias in the patch projection, as in CLIP. */
  readonly preNorm: boolean;
  readonly globalPool: GlobalPool;
  /** True: pooling also sees the prefix tokens. */
  readonly poolIncludePrefix: boolean;
  /** True: the last norm stands after the pooling (`fc_norm`), not before it (`norm`). */
  readonly fcNorm: boolean;
  readonly normEps: number;
  readonly activation: Activation;
  readonly posEmbed: PosEmbedKind;
  /** True: any image size that is a multiple of `patchSize`; the position embedding is resized in the forward pass. */
  readonly dynamicImageSize: boolean;
  /** Dropout before the head. */
  readonly dropRate: number;
  /** Dropout after the position embedding. */
  readonly posDropRate: number;
  /** Dropout after each projection of a block. */
  readonly projDropRate: number;
  /** Dropout of the attention probabilities. */
  readonly attnDropRate: number;
  /** Stochastic depth of the last block; the first has 0. */
  readonly dropPathRate: number;
  /** How the first weights are drawn. */
  readonly weightInit: WeightInit;
  /** Of the initial weights; ≥ 0. */
  readonly seed: number;
}

/** timm's defaults: ViT-B/16 at 224 pixels. `fcNorm` follows `globalPool` unless it is given. */
export const defaultConfig: Omit<VisionTransformerConfig, 'fcNorm'> = {
  imageSize: [224, 224],
  patchSize: [16, 16],
  inChannels: 3,
  numClasses: 1000,
  embedDim: 768,
  depth: 12,
  numHeads: 12,
  mlpRatio: 4,
  qkvBias: true,
  qkNorm: false,
  layerScaleInit: null,
  classToken: true,
  regTokens: 0,
  distilled: false,
  noEmbedClass: false,
  preNorm: false,
  globalPool: 'token',
  poolIncludePrefix: false,
  normEps: 1e-6,
  activation: 'gelu',
  posEmbed: 'learned',
  dynamicImageSize: false,
  dropRate: 0,
  posDropRate: 0,
  projDropRate: 0,
  attnDropRate: 0,
  dropPathRate: 0,
  weightInit: 'timm',
  seed: 0,
};

/** Rows and columns of patches. */
export function gridSizeOf({
  imageSize,
  patchSize,
}: Pick<VisionTransformerConfig, 'imageSize' | 'patchSize'>): [number, number] {
  return [imageSize[0] / patchSize[0], imageSize[1] / patchSize[1]];
}

/** Tokens before the patches: class, distillation, registers. */
export function numPrefixTokensOf({
  classToken,
  distilled,
  regTokens,
}: Pick<VisionTransformerConfig, 'classToken' | 'distilled' | 'regTokens'>): number {
  return Number(classToken) + Number(distilled) + regTokens;
}

/** Hidden width of the feed-forward parts: ⌊embedDim · mlpRatio⌋, a ratio that came from a division counting as exact. */
export function mlpHiddenDimOf({
  embedDim,
  mlpRatio,
}: Pick<VisionTransformerConfig, 'embedDim' | 'mlpRatio'>): number {
  return Math.floor(embedDim * mlpRatio * (1 + 1e-12));
}

// Far above any model in use; they keep a mistyped number from becoming an allocation.
const maxSize = 65_536;
const maxParameters = 2 ** 33;

/** Throws an InputError that names the first option, or pair of options, no model can be built from. */
export function assertModelConfig(config: VisionTransformerConfig): void {
  const integers = {
    inChannels: 1,
    numClasses: 0,
    embedDim: 1,
    depth: 1,
    numHeads: 1,
    regTokens: 0,
  } as const;
  for (const [name, min] of Object.entries(integers) as [keyof typeof integers, number][]) {
    assertInteger(name, config[name], { min, max: name === 'depth' ? 1024 : maxSize });
  }
  assertInteger('seed', config.seed, { min: 0 });
  for (const name of ['imageSize', 'patchSize'] as const) {
    config[name].forEach((size) => assertInteger(name, size, { min: 1, max: maxSize }));
  }
  assertNumber('mlpRatio', config.mlpRatio, { min: 1 / config.embedDim, max: 64 });
  assertNumber('normEps', config.normEps, { min: 0, max: 1 });
  if (config.layerScaleInit !== null) assertNumber('layerScaleInit', config.layerScaleInit);
  for (const name of [
    'dropRate',
    'posDropRate',
    'projDropRate',
    'attnDropRate',
    'dropPathRate',
  ] as const) {
    assertNumber(name, config[name], { min: 0, max: 0.999 });
  }
  for (const [name, value] of Object.entries(config)) {
    if (typeof defaultConfig[name as 'qkvBias'] === 'boolean' || name === 'fcNorm') {
      if (typeof value !== 'boolean') throw new InputError(expected('true or false', name, value));
    }
  }
  assertOneOf('globalPool', config.globalPool, ['token', 'avg', 'avgmax', 'max', 'map', '']);
  assertOneOf('activation', config.activation, ['gelu', 'gelu_tanh', 'quick_gelu']);
  assertOneOf('weightInit', config.weightInit, ['timm', 'jax']);
  assertOneOf('posEmbed', config.posEmbed, ['learned', 'sincos2d', 'sincos1d', 'none']);
  assertDivisions(config);
  assertTokens(config);
  assertBuildable(config);
}

// A lower bound of the parameters: matrices of the blocks, positions, patches and head.
function assertBuildable(config: VisionTransformerConfig): void {
  const { embedDim, depth, inChannels, patchSize, numClasses } = config;
  const [rows, columns] = gridSizeOf(config);
  const block = 4 * embedDim + 2 * mlpHiddenDimOf(config);
  const rest = rows * columns + inChannels * patchSize[0] * patchSize[1] + numClasses;
  const parameters = embedDim * (depth * block + rest);
  if (parameters <= maxParameters) return;
  throw new InputError(
    expected(
      'at most 2³³ parameters',
      'the model',
      parameters,
      'Make embedDim, depth or the image smaller.',
    ),
  );
}

function assertDivisions({
  imageSize,
  patchSize,
  embedDim,
  numHeads,
  posEmbed,
}: VisionTransformerConfig): void {
  imageSize.forEach((size, axis) => {
    const patch = patchSize[axis]!;
    if (size % patch === 0) return;
    const lower = Math.floor(size / patch) * patch;
    const remedy = lower === 0 ? `Use ${patch}.` : `Use ${lower} or ${lower + patch}.`;
    throw new InputError(expected(`a multiple of patchSize ${patch}`, 'imageSize', size, remedy));
  });
  if (embedDim % numHeads !== 0) {
    throw new InputError(
      expected(
        `a multiple of numHeads ${numHeads}`,
        'embedDim',
        embedDim,
        'Every head has embedDim / numHeads channels.',
      ),
    );
  }
  if (posEmbed === 'sincos2d' && embedDim % 4 !== 0) {
    throw new InputError(
      expected("a multiple of 4 with posEmbed 'sincos2d'", 'embedDim', embedDim),
    );
  }
}

function assertTokens(config: VisionTransformerConfig): void {
  const { globalPool, classToken, distilled } = config;
  if (globalPool === 'token' && !classToken) {
    throw new InputError(
      expected(
        "'avg', 'avgmax', 'max', 'map' or '' with classToken false",
        'globalPool',
        globalPool,
      ),
    );
  }
  if (!distilled) return;
  const needed = {
    classToken: true,
    globalPool: 'token',
    regTokens: 0,
    fcNorm: false,
    noEmbedClass: false,
  } as const;
  for (const [name, value] of Object.entries(needed) as [keyof typeof needed, unknown][]) {
    if (config[name] !== value) {
      throw new InputError(
        expected(`${JSON.stringify(value)} with distilled true`, name, config[name]),
      );
    }
  }
}

/**
 * What is unusual in a configuration but can be built, one sentence each.
 *
 * One text on Vision Transformers demands that embedDim be a multiple of 3·numHeads, although its own 512 with 8 heads is
 * not; nothing in the model needs it.
 */
export function configWarnings({
  embedDim,
  numHeads,
}: Pick<VisionTransformerConfig, 'embedDim' | 'numHeads'>): string[] {
  if (embedDim % (3 * numHeads) === 0) return [];
  return [
    `embedDim ${embedDim} is not a multiple of 3·numHeads = ${3 * numHeads}, which some texts ask for; the model works without it.`,
  ];
}
