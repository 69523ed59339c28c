// The family of ResNets, as the registry of models takes it.

import type { ModelFamily } from '../family.ts';
import { adapt } from './adapt.ts';
import {
  knownResNetOptions,
  parseResNetConfig,
  resNetSize,
  resNetSizes,
  type ResNetConfig,
} from './config.ts';
import { resNetEncoder } from './encode.ts';
import { isHuggingFaceResNet } from './huggingFace.ts';
import { layerTable } from './layerTable.ts';
import { resNetOnnx } from './onnxGraph.ts';
import { ResNet } from './resNet.ts';

/**
 * ResNet-18, -34, -50, -101 and -152, as torchvision, timm and Hugging Face have them.
 *
 * @example resnet.config('resnet18', {numClasses: 10, imageSize: 32}).smallInput; // true
 */
export const resnet: ModelFamily<ResNetConfig, ResNet> = {
  family: 'resnet',
  names: () => Object.keys(resNetSizes),
  notBuilt: (name) => /^(wide_)?(resnet|resnext)/.test(name),
  config: resNetSize,
  parseConfig: parseResNetConfig,
  recognizes: isHuggingFaceResNet,
  build: (config, options) => new ResNet(config, options),
  layerTable,
  adapt,
  onnx: resNetOnnx,
  override: (config, options) => parseResNetConfig({ ...config, ...knownResNetOptions(options) }),
  classifiers: ['fc'],
  encoder: resNetEncoder,
};
