// The options of CLIP's text tower and of what joins both towers, each said once.

import { count } from '../sharedOptions.ts';
import type { OptionTable } from '../../core/option.ts';

/** The fields of `ClipTextConfig`, with the defaults of OpenAI's ViT-B/32. */
export const clipTextOptions = {
  vocabSize: {
    type: 'integer',
    min: 1,
    max: 1_048_576,
    describe: 'Tokens of the vocabulary',
    aliases: ['vocab_size'],
    default: 49_408,
  },
  contextLength: {
    type: 'integer',
    min: 2,
    max: 4096,
    describe: 'The most tokens of a text, start and end among them',
    aliases: ['context_length', 'max_position_embeddings'],
    default: 77,
  },
  embedDim: {
    ...count,
    describe: 'Channels of a token',
    aliases: ['hidden_size', 'width'],
    default: 512,
  },
  depth: {
    type: 'integer',
    min: 1,
    max: 1024,
    describe: 'Number of blocks',
    aliases: ['num_hidden_layers', 'layers'],
    default: 12,
  },
  numHeads: {
    ...count,
    describe: 'Heads of attention; divides `embedDim`',
    aliases: ['num_attention_heads', 'heads'],
    default: 8,
  },
  hiddenDim: {
    type: 'integer',
    min: 1,
    max: 1_048_576,
    describe: 'Hidden width of the MLPs; absent: 4 · `embedDim`',
    aliases: ['intermediate_size'],
  },
  activation: {
    type: 'string',
    choices: ['gelu', 'gelu_tanh', 'quick_gelu'],
    spellings: { gelu_pytorch_tanh: 'gelu_tanh', gelu_new: 'gelu_tanh' },
    describe: "Non-linearity of the MLPs by timm's name",
    aliases: ['hidden_act'],
    default: 'quick_gelu',
  },
  normEps: {
    type: 'number',
    min: 0,
    max: 1,
    describe: 'ε of the norms',
    aliases: ['layer_norm_eps'],
    default: 1e-5,
  },
  eosTokenId: {
    type: 'integer',
    min: 0,
    max: 1_048_575,
    describe:
      'The token at whose first place a text is pooled; 2, as old configurations have it: the place of the largest number',
    aliases: ['eos_token_id'],
    default: 49_407,
  },
  weightInit: {
    type: 'string',
    choices: ['timm', 'jax'],
    describe: 'Distribution of the initial weights',
    default: 'timm',
  },
} as const satisfies OptionTable;

/** The options that join both towers. */
export const clipJointOptions = {
  projectionDim: {
    ...count,
    describe: 'Channels of the space of images and texts',
    aliases: ['projection_dim', 'embed_dim'],
    default: 512,
  },
  logitScale: {
    type: 'number',
    min: -10,
    max: 10,
    describe: 'The logarithm of the factor on cosines, at first',
    aliases: ['logit_scale_init_value'],
    default: 2.6592,
  },
  seed: { type: 'integer', describe: 'Seed of the initial weights', min: 0, default: 0 },
} as const satisfies OptionTable;
