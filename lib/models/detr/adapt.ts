// Brings the tensors of a foreign checkpoint to the names of a DETR, which are Hugging Face's.

import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import type { AdaptOptions } from '../family.ts';
import { adapt as adaptResNet } from '../resnet/adapt.ts';
import { backboneOf } from './backbone.ts';
import type { DetrConfig } from './config.ts';
import { backbonePrefix, detrNames, isDetr } from './names.ts';

type Tensors = ReadonlyMap<string, HostTensor>;

/**
 * The tensors of a checkpoint by our names: Hugging Face's with either backbone, or those of the authors' hub.
 *
 * @throws CheckpointError if the names cannot be brought to those of the model
 */
export function adapt(
  tensors: Tensors,
  { backbone }: DetrConfig,
  note?: (text: string) => void,
  { inputChannels = false }: AdaptOptions<DetrConfig> = {},
): Map<string, HostTensor> {
  const all = detrNames(tensors);
  const body = new Map<string, HostTensor>();
  for (const [name, tensor] of all) {
    if (!name.startsWith(backbonePrefix)) continue;
    body.set(name.slice(backbonePrefix.length), tensor);
    all.delete(name);
  }
  for (const [name, tensor] of adaptResNet(body, backbone, note, { inputChannels })) {
    all.set(backbonePrefix + name, tensor);
  }
  return all;
}

/**
 * The options that the tensors of a DETR tell, by any of the names; undefined for another model.
 *
 * The number of heads has no tensor: heads of 32 channels are taken, as all published sizes have.
 */
export function detrOptionsOf(tensors: Tensors): Record<string, unknown> | undefined {
  if (!isDetr(tensors)) return undefined;
  const own = detrNames(tensors);
  const shape = (name: string) => own.get(name)?.shape;
  const [numQueries, dModel] = shape('model.query_position_embeddings.weight') ?? [];
  const [logits] = shape('class_labels_classifier.weight') ?? [];
  if (numQueries === undefined || dModel === undefined || logits === undefined) return undefined;
  const count = (part: string) => {
    let layers = 0;
    while (own.has(`model.${part}.layers.${layers}.fc1.weight`)) layers += 1;
    return layers;
  };
  const backbone = backboneOf(own, backbonePrefix);
  const heads = dModel % 32 === 0 ? dModel / 32 : 1;
  return {
    family: 'detr',
    numQueries,
    dModel,
    numClasses: logits - 1,
    encoderLayers: count('encoder'),
    decoderLayers: count('decoder'),
    encoderAttentionHeads: heads,
    decoderAttentionHeads: heads,
    encoderFfnDim: shape('model.encoder.layers.0.fc1.weight')?.[0],
    decoderFfnDim: shape('model.decoder.layers.0.fc1.weight')?.[0],
    inChannels: backbone?.['inChannels'],
    backbone,
  };
}
