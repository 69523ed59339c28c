// The family of Vision Transformers, as the registry of models takes it.

import type { ModelFamily } from '../family.ts';
import { adapt } from './adapt.ts';
import { idleModelOptions } from './idleOptions.ts';
import { configWarnings, type VisionTransformerConfig } from './config.ts';
import { vitOptions } from './describe.ts';
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
  recognizes: ({ model_type: type }) =>
    typeof type !== 'string' || /vit|deit|dino|^clip|^siglip/i.test(type),
  build: (config, options) => new VisionTransformer(config, options),
  layerTable,
  warnings: (config) => [...configWarnings(config), ...idleModelOptions(config)],
  adapt,
  optionsOf: vitOptions,
  override: overridden,
  classifiers: ['head', 'head_dist'],
};

// `vit_tiny_16_224` is short for `vit_tiny_patch16_224`.
function fullName(name: string): string {
  return name.replace(/^(vit|deit3?)_([a-z_]+)_(\d+)_(\d+)$/, '$1_$2_patch$3_$4');
}

function sizeConfig(name: string, overrides: object = {}): VisionTransformerConfig {
  return parseModelConfig(replaced(modelSizes[fullName(name)] ?? {}, overrides));
}

function overridden(config: VisionTransformerConfig, options: object): VisionTransformerConfig {
  return parseModelConfig(replaced(config, options));
}

// Options with others in their place, in any vocabulary.
function replaced(options: object, others: object): object {
  const own = knownOptions(others);
  const base: Record<string, unknown> = { ...options };
  // A shorthand replaces an option under another name.
  if ('hiddenDim' in own) delete base['mlpRatio'];
  if ('numPatches' in own) delete base['imageSize'];
  if ('dropout' in own) for (const name of ['posDropRate', 'projDropRate']) delete base[name];
  return { ...base, ...own };
}
