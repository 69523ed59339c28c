// The family of DETRs, as the registry of models takes it.

import type { ModelFamily } from '../family.ts';
import { adapt, detrOptionsOf } from './adapt.ts';
import {
  detrSize,
  detrSizes,
  knownDetrOptions,
  parseDetrConfig,
  type DetrConfig,
} from './config.ts';
import { Detr } from './detr.ts';
import { detrEncoder } from './encode.ts';
import { isHuggingFaceDetr } from './huggingFace.ts';
import { layerTable } from './layerTable.ts';

/**
 * DETR with ResNets, as its authors' hub and Hugging Face have it.
 *
 * @example detr.config('detr_resnet50', { numClasses: 16 }).numQueries; // 100
 */
export const detr: ModelFamily<DetrConfig, Detr> = {
  family: 'detr',
  names: () => Object.keys(detrSizes),
  config: detrSize,
  parseConfig: parseDetrConfig,
  recognizes: isHuggingFaceDetr,
  build: (config, options) => new Detr(config, options),
  layerTable,
  adapt,
  optionsOf: detrOptionsOf,
  override: (config, options) => parseDetrConfig({ ...config, ...knownDetrOptions(options) }),
  classifiers: ['class_labels_classifier'],
  encoder: detrEncoder,
};
