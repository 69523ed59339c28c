// Brings the tensors of a foreign checkpoint to the names of a ResNet, which are torchvision's.

import { CheckpointError, expected } from '../../core/errors.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { adaptInputChannels } from '../../checkpoints/inputChannels.ts';
import type { AdaptOptions } from '../family.ts';
import type { ResNetConfig } from './config.ts';
import { torchvisionName } from './huggingFace.ts';

/**
 * The tensors of a checkpoint by torchvision's names, for a configuration.
 *
 * Hugging Face's names become torchvision's. Checkpoints from before torch 0.4.1 do not count the batches, and frozen norms never do.
 * A model without classes takes no head.
 */
export function adapt(
  tensors: ReadonlyMap<string, HostTensor>,
  config: Pick<ResNetConfig, 'inChannels' | 'numClasses' | 'frozenNorm'>,
  note: (text: string) => void = () => undefined,
  { inputChannels = false }: Pick<AdaptOptions, 'inputChannels'> = {},
): ReadonlyMap<string, HostTensor> {
  const { inChannels, numClasses, frozenNorm = false } = config;
  const all = new Map<string, HostTensor>();
  for (const [given, tensor] of tensors) {
    const name = torchvisionName(given);
    if (all.has(name)) throw new CheckpointError(expected('one tensor', name, 'two'));
    all.set(name, tensor);
  }
  const stem = all.get('conv1.weight');
  if (inputChannels && stem?.shape.length === 4 && stem.shape[1] !== inChannels) {
    note(`conv1.weight is adapted from ${stem.shape[1]} to ${inChannels} channels.`);
    all.set('conv1.weight', adaptInputChannels(stem, inChannels, 'conv1.weight'));
  }
  for (const name of [...all.keys()]) {
    const counter = name.replace(/running_mean$/, 'num_batches_tracked');
    if (frozenNorm) {
      if (name.endsWith('.num_batches_tracked')) all.delete(name);
    } else if (counter !== name && !all.has(counter)) {
      all.set(counter, { dtype: 'I64', shape: [], data: new BigInt64Array(1) });
    }
    if (numClasses === 0 && /^fc\.(weight|bias)$/.test(name)) {
      all.delete(name);
      note(`${name} is left out: the model has no use for it.`);
    }
  }
  return all;
}
