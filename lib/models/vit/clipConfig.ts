// The configurations of Hugging Face's CLIP and SigLIP: the options of their image towers.

import { isRecord } from '../../core/check.ts';

type Fields = Readonly<Record<string, unknown>>;

// The defaults that transformers does not write into a file.
const clip = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_channels: 3,
  image_size: 224,
};
const defaults: Readonly<Record<string, Fields>> = {
  clip: { ...clip, patch_size: 32, hidden_act: 'quick_gelu', layer_norm_eps: 1e-5 },
  siglip: { ...clip, patch_size: 16, hidden_act: 'gelu_pytorch_tanh', layer_norm_eps: 1e-6 },
};

/** Whether a config.json is one of CLIP or SigLIP, or of their image towers. */
export function isClipConfig({ model_type: type }: Fields): boolean {
  return typeof type === 'string' && /^(clip|siglip)(_vision_model)?$/.test(type);
}

/**
 * The options of the image tower that a config.json of CLIP or SigLIP describes, in our names.
 *
 * CLIP has a norm before the blocks, and its projection into the common space is the head, of `projection_dim` classes, where the model
 * has one. SigLIP has no class token and pools by attention.
 *
 * Source: transformers, configuration_clip.py, configuration_siglip.py.
 */
export function clipOptions(config: Fields): Record<string, unknown> {
  const type = String(config['model_type']).replace('_vision_model', '');
  const inner = isRecord(config['vision_config']) ? config['vision_config'] : config;
  const { architectures } = config;
  const kinds = Array.isArray(architectures) ? architectures.map(String) : [];
  const projected =
    type === 'clip' && (config['vision_config'] !== undefined || kinds.some((kind) => kind.endsWith('WithProjection'))); // prettier-ignore
  const field = (name: string): unknown => inner[name] ?? defaults[type]![name];
  const dim = config['projection_dim'] ?? inner['projection_dim'] ?? 512;
  return {
    imageSize: field('image_size'),
    patchSize: field('patch_size'),
    inChannels: field('num_channels'),
    embedDim: field('hidden_size'),
    depth: field('num_hidden_layers'),
    numHeads: field('num_attention_heads'),
    hiddenDim: field('intermediate_size'),
    activation: field('hidden_act'),
    normEps: field('layer_norm_eps'),
    numClasses: projected ? dim : 0,
    ...(type === 'clip'
      ? { preNorm: true }
      : { classToken: false, globalPool: inner['vision_use_head'] === false ? 'avg' : 'map' }),
    ...(type === 'siglip' && inner['vision_use_head'] === false && { fcNorm: false }),
  };
}
