// The options of a Vision Transformer, each said once, under timm's names in camelCase.

import { classifierOptions, count, rate, size } from '../sharedOptions.ts';
import type { OptionTable } from '../../core/option.ts';

/** The fields of `VisionTransformerConfig`, with the defaults of timm: ViT-B/16 at 224 pixels. */
export const visionTransformerOptions = {
  imageSize: {
    ...size,
    describe:
      '[height, width] of the images in pixels; what makes no whole patch of `patchSize` below and on the right is not seen',
    aliases: ['img_size', 'input_size'],
    default: [224, 224],
  },
  patchSize: { ...size, describe: '[height, width] of a patch in pixels', default: [16, 16] },
  ...classifierOptions,
  embedDim: { ...count, describe: 'Channels of a token', aliases: ['hidden_size'], default: 768 },
  depth: {
    ...count,
    describe: 'Number of blocks',
    aliases: ['numLayers', 'num_hidden_layers'],
    max: 1024,
    default: 12,
  },
  numHeads: {
    ...count,
    describe: 'Heads of attention; divides `embedDim`',
    aliases: ['num_attention_heads'],
    default: 12,
  },
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
  projBias: {
    type: 'boolean',
    sparse: true,
    describe: 'false: neither the projection of attention nor the MLPs have a bias',
    default: true,
  },
  scaleAttnNorm: {
    type: 'boolean',
    sparse: true,
    describe: 'true: a norm before the projection of attention, as in BEiT-3 and EVA-02',
    aliases: ['scale_attn_inner'],
    default: false,
  },
  scaleMlpNorm: {
    type: 'boolean',
    sparse: true,
    describe: 'true: a norm before the last layer of the MLPs, as in BEiT-3 and EVA-02',
    aliases: ['scale_mlp'],
    default: false,
  },
  layerScaleInit: {
    type: 'number',
    describe: 'Initial value of the layer scales; null: none',
    aliases: ['init_values', 'layer_scale_value', 'layerscale_value'],
    nullable: true,
    default: null,
  },
  classToken: { type: 'boolean', describe: 'true: there is a class token', default: true },
  regTokens: {
    ...count,
    describe: 'Number of register tokens',
    aliases: ['num_register_tokens'],
    min: 0,
    default: 0,
  },
  distilled: {
    type: 'boolean',
    describe: "true: DeiT's distillation token and second head",
    default: false,
  },
  noEmbedClass: {
    type: 'boolean',
    describe: 'true: prefix tokens have no position embedding',
    default: false,
    appliesTo: { posEmbed: ['learned', 'sincos2d', 'sincos1d'] },
  },
  preNorm: {
    type: 'boolean',
    describe: 'true: a norm before the blocks and no bias in the patch projection, as in CLIP',
    default: false,
  },
  embedNormLayer: {
    type: 'string',
    sparse: true,
    describe: 'Norm in the patch embedding; null: none',
    choices: ['LayerNorm', 'RmsNorm'],
    spellings: { layernorm: 'LayerNorm', rmsnorm: 'RmsNorm' },
    nullable: true,
    default: null,
  },
  finalNorm: {
    type: 'boolean',
    sparse: true,
    describe: 'false: no norm after the blocks, neither before the pooling nor after it',
    aliases: ['use_post_transformer_norm'],
    default: true,
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
    appliesTo: { globalPool: ['avg', 'avgmax', 'max', 'map'] },
  },
  fcNorm: {
    type: 'boolean',
    describe:
      'true: the last norm stands after the pooling (`fc_norm`), not before it (`norm`); follows `globalPool` unless it is given',
    given: 'boolean | null',
  },
  normEps: {
    type: 'number',
    describe: 'ε of the norms',
    aliases: ['layer_norm_eps'],
    min: 0,
    max: 1,
    default: 1e-6,
  },
  normLayer: {
    type: 'string',
    sparse: true,
    describe: 'Kind of all norms: with mean and offset, or by the root mean square',
    choices: ['LayerNorm', 'RmsNorm'],
    spellings: { layernorm: 'LayerNorm', rmsnorm: 'RmsNorm' },
    default: 'LayerNorm',
  },
  blockFn: {
    type: 'string',
    sparse: true,
    describe:
      "Kind of the blocks by the name of timm's class: norms before the branches, norms after them, attention and MLP in parallel, or two attentions and then two MLPs in parallel",
    choices: ['Block', 'ResPostBlock', 'ParallelScalingBlock', 'ParallelThingsBlock'],
    default: 'Block',
  },
  mlpLayer: {
    type: 'string',
    sparse: true,
    describe:
      "Kind of the MLPs by timm's name: plain, gated in one layer of width `mlpRatio · embedDim`, or gated in two layers of that width each",
    choices: ['Mlp', 'SwiGLUPacked', 'SwiGLU'],
    spellings: { GluMlp: 'SwiGLUPacked' },
    default: 'Mlp',
  },
  activation: {
    type: 'string',
    describe:
      "Non-linearity of the MLPs by timm's name: GELU exact, in tanh or sigmoid approximation, or silu",
    aliases: ['act_layer', 'hidden_act'],
    choices: ['gelu', 'gelu_tanh', 'quick_gelu', 'silu'],
    spellings: { gelu_new: 'gelu_tanh', gelu_pytorch_tanh: 'gelu_tanh' },
    default: 'gelu',
  },
  posEmbed: {
    type: 'string',
    describe: 'Position embedding',
    choices: ['learned', 'sincos2d', 'sincos1d', 'none'],
    spellings: { learn: 'learned', '': 'none' },
    default: 'learned',
  },
  dynamicImageSize: {
    type: 'boolean',
    describe:
      'true: any image size that is a multiple of `patchSize`; the position embedding is resized in the forward pass',
    aliases: ['dynamic_img_size'],
    default: false,
  },
  dropRate: {
    ...rate,
    describe: 'Dropout before the head',
    aliases: ['drop'],
    flag: { name: 'drop', value: 'X' },
  },
  patchDropRate: {
    ...rate,
    sparse: true,
    describe:
      'Share of the patches of each image that training leaves out after the position embedding',
    flag: {
      name: 'patch-drop-rate',
      value: 'X',
      describe: 'Share of the patches that training leaves out',
    },
  },
  patchSubsets: {
    type: 'boolean',
    sparse: true,
    default: false,
    describe:
      'Each training batch keeps a number of patches drawn from none to all, other patches of each image; the class token is classified',
    flag: {
      name: 'patch-subsets',
      describe: 'Train on random subsets of the patches',
    },
  },
  posDropRate: { ...rate, describe: 'Dropout after the position embedding' },
  projDropRate: { ...rate, describe: 'Dropout after each projection of a block' },
  attnDropRate: {
    ...rate,
    describe: 'Dropout of the attention probabilities',
    aliases: ['attention_probs_dropout_prob'],
    flag: { name: 'attn-drop-rate', value: 'X' },
  },
  dropPathRate: {
    ...rate,
    describe: 'Stochastic depth of the last block; the first has 0',
    aliases: ['drop_path'],
    flag: { name: 'drop-path', value: 'X', describe: 'Stochastic depth of the last block' },
  },
  weightInit: {
    type: 'string',
    describe: 'Distribution of the initial weights',
    choices: ['timm', 'jax'],
    default: 'timm',
  },
  seed: { type: 'integer', describe: 'Seed of the initial weights', min: 0, default: 0 },
} as const satisfies OptionTable;

/** Options that a user may give instead of others of `visionTransformerOptions`, into which the parser turns them. */
export const visionTransformerShorthands = {
  hiddenDim: {
    type: 'integer',
    describe: 'Hidden width of the MLPs, instead of `mlpRatio`',
    aliases: ['mlp_dim', 'intermediate_size'],
    min: 1,
    max: 2 ** 20,
  },
  numPatches: {
    type: 'integer',
    describe: 'Patches of a square image, instead of `imageSize`',
    min: 1,
    max: 2 ** 24,
  },
  dropout: {
    type: 'number',
    describe: '`posDropRate` and `projDropRate` in one, the dropout of the ViT paper',
    aliases: ['hidden_dropout_prob'],
    min: 0,
    max: 0.999,
  },
} as const satisfies OptionTable;

/** Keys of Hugging Face's config.json that do not change the model. */
export const ignoredKeys: ReadonlySet<string> = new Set([
  'apply_layernorm', 'out_features', 'out_indices', 'reshape_hidden_states', 'stage_names', 'use_swiglu_ffn', 'use_mask_token',
  'architectures', 'attn_implementation', 'dtype', 'encoder_stride', 'finetuning_task', 'id2label', 'initializer_range',
  'label2id', 'model_type', 'pooler_act', 'pooler_output_size', 'problem_type', '_name_or_path', 'torch_dtype',
  'transformers_version',
]); // prettier-ignore
