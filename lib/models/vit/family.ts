// The family of Vision Transformers, as the registry of models takes it.

import type { ModelFamily } from '../family.ts';
import { adapt } from './adapt.ts';
import { idleModelOptions } from './idleOptions.ts';
import { configWarnings, type VisionTransformerConfig } from './config.ts';
import { layerTable } from './layerTable.ts';
import { knownOptions, parseModelConfig } from './parseConfig.ts';
import { isNotBuilt, modelSizes } from './sizes.ts';
import { VisionTransformer } from './visionTransformer.ts';

/**
 * ViT, DeiT and DeiT III. Their configurations have no key `family`.
 *
 * @example vit.config('vit_tiny_patch16_224', {numClasses: 10}).embedDim; // 192
 */
export const vit: ModelFamily<VisionTransformerConfig, VisionTransformer> = {
  family: 'vit',
  names: () => Object.keys(modelSizes),
  knows: (name) => Object.hasOwn(modelSizes, fullName(name)),
  notBuilt: isNotBuilt,
  config: sizeConfig,
  parseConfig: parseModelConfig,
  // Hugging Face names the kind of a model in model_type.
  recognizes: ({ model_type: type }) => typeof type !== 'string' || /vit|deit|dino/i.test(type),
  build: (config, options) => new VisionTransformer(config, options),
  layerTable,
  warnings: (config) => [...configWarnings(config), ...idleModelOptions(config)],
  adapt,
};

// `vit_tiny_16_224` is short for `vit_tiny_patch16_224`.
function fullName(name: string): string {
  return name.replace(/^(vit|deit3?)_([a-z_]+)_(\d+)_(\d+)$/, '$1_$2_patch$3_$4');
}

function sizeConfig(name: string, overrides: object = {}): VisionTransformerConfig {
  const own = knownOptions(overrides);
  const size: Record<string, unknown> = { ...modelSizes[fullName(name)] };
  // An override that replaces an option of the table under another name.
  if ('hiddenDim' in own) delete size.mlpRatio;
  if ('numPatches' in own) delete size.imageSize;
  return parseModelConfig({ ...size, ...own });
}
