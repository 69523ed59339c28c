// The family of ResNets, as the registry of models takes it.

import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { adaptInputChannels } from '../../checkpoints/inputChannels.ts';
import type { AdaptOptions, ModelFamily } from '../family.ts';
import {
  knownResNetOptions,
  parseResNetConfig,
  resNetSize,
  resNetSizes,
  type ResNetConfig,
} from './config.ts';
import { layerTable } from './layerTable.ts';
import { ResNet } from './resNet.ts';

/**
 * ResNet-18 and ResNet-34, as torchvision and timm have them.
 *
 * @example resnet.config('resnet18', {numClasses: 10, imageSize: 32}).smallInput; // true
 */
export const resnet: ModelFamily<ResNetConfig, ResNet> = {
  family: 'resnet',
  names: () => Object.keys(resNetSizes),
  notBuilt: (name) => /^(wide_)?(resnet|resnext)/.test(name),
  config: resNetSize,
  parseConfig: parseResNetConfig,
  recognizes: () => false,
  build: (config, options) => new ResNet(config, options),
  layerTable,
  adapt,
  override: (config, options) => parseResNetConfig({ ...config, ...knownResNetOptions(options) }),
  classifiers: ['fc'],
};

// Checkpoints from before torch 0.4.1 do not count the batches.
function adapt(
  tensors: ReadonlyMap<string, HostTensor>,
  { inChannels }: ResNetConfig,
  note: (text: string) => void = () => undefined,
  { inputChannels = false }: AdaptOptions<ResNetConfig> = {},
): ReadonlyMap<string, HostTensor> {
  const all = new Map(tensors);
  const stem = all.get('conv1.weight');
  if (inputChannels && stem?.shape.length === 4 && stem.shape[1] !== inChannels) {
    note(`conv1.weight is adapted from ${stem.shape[1]} to ${inChannels} channels.`);
    all.set('conv1.weight', adaptInputChannels(stem, inChannels, 'conv1.weight'));
  }
  for (const name of tensors.keys()) {
    const counter = name.replace(/running_mean$/, 'num_batches_tracked');
    if (counter !== name && !all.has(counter)) {
      all.set(counter, { dtype: 'I64', shape: [], data: new BigInt64Array(1) });
    }
  }
  return all;
}
