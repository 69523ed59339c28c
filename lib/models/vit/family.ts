// The family of Vision Transformers, as the registry of models takes it.

import type { ModelFamily } from '../family.ts';
import { adapt } from './adapt.ts';
import { idleModelOptions } from './idleOptions.ts';
import { configWarnings, type VisionTransformerConfig } from './config.ts';
import { vitOptions } from './describe.ts';
import { vitEncoder } from './encode.ts';
import { layerTable } from './layerTable.ts';
import { vitOnnx } from './onnxGraph.ts';
import { parseModelConfig } from './parseConfig.ts';
import { fullName, overridden, sizeConfig } from './sizeConfig.ts';
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
  onnx: vitOnnx,
  override: overridden,
  classifiers: ['head', 'head_dist'],
  encoder: vitEncoder,
};
