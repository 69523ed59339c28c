// A Vision Transformer as the folders of timm's hub and of Hugging Face: their config.json, and Hugging Face's names.

import { InputError, expected } from '../../core/errors.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';
import { mlpHiddenDimOf } from './config.ts';
import { rowsOf } from './tensorMoves.ts';
import { timmArchitecture } from './timmArchitecture.ts';
import { whole } from './variant.ts';

/**
 * The preparation of images and the names of classes that a folder states.
 *
 * @property cropPct  share of the resized image's shorter side that the input is
 */
export interface FolderPreparation {
  mean: readonly number[];
  std: readonly number[];
  interpolation: string;
  cropMode: string;
  cropPct: number | undefined;
  classNames: readonly string[] | undefined;
}

/**
 * The config.json of timm's hub for a configuration: an architecture of timm, and every option as `model_args`, so that timm builds the very
 * model.
 *
 * timm takes ε, and the classes of blocks and feed-forward layers, from the architecture (`timmArchitecture`).
 *
 * @param note  told what timm does otherwise
 * @throws InputError for a position embedding that timm has not
 *
 * Source: timm/models/_hub.py, `save_config_for_hf`.
 */
export function timmFolder(
  config: VisionTransformerConfig,
  preparation: FolderPreparation,
  note: (text: string) => void,
): Record<string, unknown> {
  const { posEmbed, distilled, numClasses, imageSize, inChannels } = config;
  if (posEmbed !== 'learned' && posEmbed !== 'none') {
    throw new InputError(expected("'learned' or 'none' for timm", 'posEmbed', posEmbed));
  }
  const { architecture, args } = timmArchitecture(config, note);
  const { mean, std, interpolation, cropMode, cropPct = 1, classNames } = preparation;
  return {
    architecture,
    num_classes: numClasses,
    num_features: config.embedDim,
    global_pool: config.globalPool,
    pretrained_cfg: {
      num_classes: numClasses,
      input_size: [inChannels, ...imageSize],
      fixed_input_size: !config.dynamicImageSize,
      mean,
      std,
      interpolation,
      crop_mode: cropMode,
      crop_pct: cropPct,
      first_conv: 'patch_embed.proj',
      classifier: distilled ? ['head', 'head_dist'] : 'head',
      ...(classNames && { label_names: classNames }),
    },
    model_args: {
      img_size: imageSize,
      patch_size: config.patchSize,
      in_chans: inChannels,
      num_classes: numClasses,
      embed_dim: config.embedDim,
      depth: config.depth,
      num_heads: config.numHeads,
      mlp_ratio: config.mlpRatio,
      qkv_bias: config.qkvBias,
      qk_norm: config.qkNorm,
      init_values: config.layerScaleInit,
      ...args,
      ...(!distilled && {
        class_token: config.classToken,
        reg_tokens: config.regTokens,
        global_pool: config.globalPool,
        fc_norm: config.fcNorm,
        no_embed_class: config.noEmbedClass,
      }),
      pre_norm: config.preNorm,
      ...(config.poolIncludePrefix && { pool_include_prefix: true }),
      ...(config.dynamicImageSize && { dynamic_img_size: true }),
      ...(posEmbed === 'none' && { pos_embed: 'none' }),
      act_layer: config.activation,
    },
  };
}

/** A folder of Hugging Face: the content of its files but for the weights, and the weights by its names. */
export interface HuggingFaceFolder {
  config: Record<string, unknown>;
  preprocessor: Record<string, unknown>;
  tensors: Map<string, HostTensor>;
}

// The options that Hugging Face's ViT has no place for, with the value that it stands for.
const fixed = {
  qkvBias: true,
  qkNorm: false,
  layerScaleInit: null,
  classToken: true,
  regTokens: 0,
  distilled: false,
  noEmbedClass: false,
  preNorm: false,
  globalPool: 'token',
  fcNorm: false,
  posEmbed: 'learned',
  activation: 'gelu',
  projBias: true,
  scaleAttnNorm: false,
  scaleMlpNorm: false,
  embedNormLayer: null,
  finalNorm: true,
  normLayer: 'LayerNorm',
  blockFn: 'Block',
  mlpLayer: 'Mlp',
} as const satisfies Partial<VisionTransformerConfig>;

const filters = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];
const ofBlock: readonly (readonly [RegExp, string])[] = [
  [/\.attn\.proj\./, '.attention.output.dense.'],
  [/\.mlp\.fc1\./, '.intermediate.dense.'],
  [/\.mlp\.fc2\./, '.output.dense.'],
  [/\.norm1\./, '.layernorm_before.'],
  [/\.norm2\./, '.layernorm_after.'],
];
const ofModel: readonly (readonly [RegExp, string])[] = [
  [/^cls_token$/, 'embeddings.cls_token'],
  [/^pos_embed$/, 'embeddings.position_embeddings'],
  [/^patch_embed\.proj\./, 'embeddings.patch_embeddings.projection.'],
  [/^blocks\./, 'encoder.layer.'],
  [/^norm\./, 'layernorm.'],
];

/**
 * A plain Vision Transformer as a folder of Hugging Face's `ViTForImageClassification`, or `ViTModel` where there are no classes.
 *
 * @param tensors  by timm's names
 * @throws InputError naming an option that Hugging Face's ViT has no place for
 *
 * Source: transformers, modeling_vit.py.
 */
export function huggingFaceFolder(
  tensors: ReadonlyMap<string, HostTensor>,
  config: VisionTransformerConfig,
  preparation: FolderPreparation,
): HuggingFaceFolder {
  const known = whole(config);
  for (const [name, value] of Object.entries(fixed) as [keyof typeof fixed, unknown][]) {
    if (known[name] === value) continue;
    const remedy = 'Convert to timm instead.';
    const what = `${JSON.stringify(value)} for Hugging Face's ViT`;
    throw new InputError(expected(what, name, known[name], remedy));
  }
  const [height, width] = config.imageSize;
  const [patch, other] = config.patchSize;
  if (height !== width || patch !== other) {
    throw new InputError(expected('square images and patches', 'imageSize', config.imageSize));
  }
  const { numClasses, embedDim } = config;
  const classifies = numClasses > 0;
  const own = new Map<string, HostTensor>();
  const prefix = classifies ? 'vit.' : '';
  for (const [name, tensor] of tensors) {
    const [, block, end] = /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/.exec(name) ?? [];
    if (block !== undefined) {
      ['query', 'key', 'value'].forEach((part, i) => {
        const place = `${prefix}encoder.layer.${block}.attention.attention.${part}.${end}`;
        own.set(place, rowsOf(tensor, i * embedDim, (i + 1) * embedDim));
      });
    } else if (name.startsWith('head.')) own.set(name.replace('head.', 'classifier.'), tensor);
    else {
      const rules = name.startsWith('blocks.') ? [...ofBlock, ...ofModel] : ofModel;
      own.set(prefix + rules.reduce((text, [from, to]) => text.replace(from, to), name), tensor);
    }
  }
  const labels = Array.from(
    { length: numClasses },
    (_, i) => preparation.classNames?.[i] ?? `LABEL_${i}`,
  );
  return {
    tensors: own,
    config: {
      model_type: 'vit',
      architectures: [classifies ? 'ViTForImageClassification' : 'ViTModel'],
      hidden_size: embedDim,
      num_hidden_layers: config.depth,
      num_attention_heads: config.numHeads,
      intermediate_size: mlpHiddenDimOf(config),
      hidden_act: 'gelu',
      layer_norm_eps: config.normEps,
      image_size: height,
      patch_size: patch,
      num_channels: config.inChannels,
      qkv_bias: true,
      ...(classifies && {
        id2label: Object.fromEntries(labels.map((name, i) => [i, name])),
        label2id: Object.fromEntries(labels.map((name, i) => [name, i])),
      }),
    },
    preprocessor: processorOf(preparation, height),
  };
}

function processorOf(
  { mean, std, interpolation, cropMode, cropPct = 1 }: FolderPreparation,
  side: number,
): Record<string, unknown> {
  const crops = cropMode === 'center';
  const size = crops
    ? { shortest_edge: Math.floor(side / cropPct) }
    : { height: side, width: side };
  return {
    image_processor_type: 'ViTImageProcessor',
    do_resize: true,
    size,
    resample: filters.indexOf(interpolation),
    do_center_crop: crops,
    ...(crops && { crop_size: { height: side, width: side } }),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  };
}
