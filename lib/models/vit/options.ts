// The options of a Vision Transformer, each said once, under timm's names in camelCase.

import type { OptionTable } from '../../core/option.ts';

// Far above any model in use; they keep a mistyped number from becoming an allocation.
const maxSize = 65_536;
const count = { type: 'integer', min: 1, max: maxSize } as const;
const size = { type: 'integers', length: 2, min: 1, max: maxSize } as const;
const rate = { type: 'number', min: 0, max: 0.999, default: 0 } as const;

/** The fields of `VisionTransformerConfig`, with the defaults of timm: ViT-B/16 at 224 pixels. */
export const visionTransformerOptions = {
  imageSize: {
    ...size,
    describe: '[height, width] of the images in pixels, multiples of `patchSize`',
    default: [224, 224],
  },
  patchSize: { ...size, describe: '[height, width] of a patch in pixels', default: [16, 16] },
  inChannels: { ...count, describe: 'Channels of the images', default: 3 },
  numClasses: {
    ...count,
    describe: 'Classes; 0: no head, the logits are the pooled features',
    min: 0,
    default: 1000,
  },
  embedDim: { ...count, describe: 'Channels of a token', default: 768 },
  depth: { ...count, describe: 'Number of blocks', max: 1024, default: 12 },
  numHeads: { ...count, describe: 'Heads of attention; divides `embedDim`', default: 12 },
  mlpRatio: {
    type: 'number',
    describe: 'Hidden width of the MLPs over `embedDim`',
    min: Number.MIN_VALUE,
    max: 64,
    default: 4,
  },
  qkvBias: {
    type: 'boolean',
    describe: 'true: queries, keys and values have a bias',
    default: true,
  },
  qkNorm: {
    type: 'boolean',
    describe: 'true: queries and keys are layer-normalised over the head dimension',
    default: false,
  },
  layerScaleInit: {
    type: 'number',
    describe: 'First value of the layer scales; null: none',
    nullable: true,
    default: null,
  },
  classToken: { type: 'boolean', describe: 'true: there is a class token', default: true },
  regTokens: { ...count, describe: 'Number of register tokens', min: 0, default: 0 },
  distilled: {
    type: 'boolean',
    describe: "true: DeiT's distillation token and second head",
    default: false,
  },
  noEmbedClass: {
    type: 'boolean',
    describe: 'true: prefix tokens have no position embedding',
    default: false,
  },
  preNorm: {
    type: 'boolean',
    describe: 'true: a norm before the blocks and no bias in the patch projection, as in CLIP',
    default: false,
  },
  globalPool: {
    type: 'string',
    describe:
      'How the tokens become one vector: class token, mean, mean and maximum, maximum, attention by a learned query, or not at all',
    choices: ['token', 'avg', 'avgmax', 'max', 'map', ''],
    default: 'token',
  },
  poolIncludePrefix: {
    type: 'boolean',
    describe: 'true: pooling also sees the prefix tokens',
    default: false,
  },
  fcNorm: {
    type: 'boolean',
    describe:
      'true: the last norm stands after the pooling (`fc_norm`), not before it (`norm`); follows `globalPool` unless it is given',
  },
  normEps: { type: 'number', describe: 'ε of the norms', min: 0, max: 1, default: 1e-6 },
  activation: {
    type: 'string',
    describe: "Non-linearity of the MLPs by timm's name: exact, tanh or sigmoid approximation",
    choices: ['gelu', 'gelu_tanh', 'quick_gelu'],
    default: 'gelu',
  },
  posEmbed: {
    type: 'string',
    describe: 'Position embedding',
    choices: ['learned', 'sincos2d', 'sincos1d', 'none'],
    default: 'learned',
  },
  dynamicImageSize: {
    type: 'boolean',
    describe:
      'true: any image size that is a multiple of `patchSize`; the position embedding is resized in the forward pass',
    default: false,
  },
  dropRate: { ...rate, describe: 'Dropout before the head', flag: { name: 'drop', value: 'X' } },
  posDropRate: { ...rate, describe: 'Dropout after the position embedding' },
  projDropRate: { ...rate, describe: 'Dropout after each projection of a block' },
  attnDropRate: {
    ...rate,
    describe: 'Dropout of the attention probabilities',
    flag: { name: 'attn-drop-rate', value: 'X' },
  },
  dropPathRate: {
    ...rate,
    describe: 'Stochastic depth of the last block; the first has 0',
    flag: { name: 'drop-path', value: 'X', describe: 'Stochastic depth of the last block' },
  },
  weightInit: {
    type: 'string',
    describe: 'How the first weights are drawn',
    choices: ['timm', 'jax'],
    default: 'timm',
  },
  seed: { type: 'integer', describe: 'Seed of the first weights', min: 0, default: 0 },
} as const satisfies OptionTable;
