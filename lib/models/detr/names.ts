// The names of foreign checkpoints of DETR: those of the authors' hub, and those of Hugging Face with a ResNet of its own.

import { CheckpointError, expected } from '../../core/errors.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { sizeOf } from '../../core/check.ts';
import { torchvisionName } from '../resnet/huggingFace.ts';

type Tensors = ReadonlyMap<string, HostTensor>;

/** The part of a name before those of the backbone's tensors. */
export const backbonePrefix = 'model.backbone.conv_encoder.model.';

const ofHub: readonly (readonly [RegExp, string])[] = [
  [/^backbone\.0\.body\./, backbonePrefix],
  [/^transformer\.(encoder|decoder)\./, 'model.$1.'],
  [/^query_embed\./, 'model.query_position_embeddings.'],
  [/^input_proj\./, 'model.input_projection.'],
  [/^class_embed\./, 'class_labels_classifier.'],
  [/^bbox_embed\./, 'bbox_predictor.'],
];

const ofLayer: readonly (readonly [RegExp, string])[] = [
  [/\.multihead_attn\./, '.encoder_attn.'],
  [/\.linear([12])\./, '.fc$1.'],
  [/(\.encoder\.layers\.\d+)\.norm1\./, '$1.self_attn_layer_norm.'],
  [/(\.encoder\.layers\.\d+)\.norm2\./, '$1.final_layer_norm.'],
  [/(\.decoder\.layers\.\d+)\.norm1\./, '$1.self_attn_layer_norm.'],
  [/(\.decoder\.layers\.\d+)\.norm2\./, '$1.encoder_attn_layer_norm.'],
  [/(\.decoder\.layers\.\d+)\.norm3\./, '$1.final_layer_norm.'],
  [/\.decoder\.norm\./, '.decoder.layernorm.'],
];

/** Whether tensors have the names of a DETR, in any of the vocabularies. */
export function isDetr(tensors: Tensors): boolean {
  return ['query_embed.weight', 'model.query_position_embeddings.weight'].some((name) =>
    tensors.has(name),
  );
}

/**
 * The tensors of a DETR under our names.
 *
 * The hub's packed `in_proj` of queries, keys and values is taken apart, in this order.
 *
 * @throws CheckpointError if two tensors would get one name, or a packed one is not three of a kind
 */
export function detrNames(tensors: Tensors): Map<string, HostTensor> {
  const own = new Map<string, HostTensor>();
  const put = (name: string, tensor: HostTensor) => {
    if (own.has(name)) throw new CheckpointError(expected('one tensor', name, 'two'));
    own.set(name, tensor);
  };
  for (const [given, tensor] of tensors) {
    const name = ownName(given);
    const [, path, kind] = /^(.*)\.in_proj_(weight|bias)$/.exec(name) ?? [];
    if (path === undefined) put(name, tensor);
    else {
      ['q', 'k', 'v'].forEach((part, i) => {
        put(`${path}.${part}_proj.${kind}`, third(tensor, i, given));
      });
    }
  }
  return own;
}

function ownName(given: string): string {
  let name = given;
  for (const [pattern, ours] of ofHub) name = name.replace(pattern, ours);
  if (name.startsWith(backbonePrefix)) {
    return backbonePrefix + torchvisionName(name.slice(backbonePrefix.length));
  }
  if (name !== given) for (const [pattern, ours] of ofLayer) name = name.replace(pattern, ours);
  return name;
}

// A third of the rows.
function third({ dtype, shape, data }: HostTensor, i: number, name: string): HostTensor {
  const [rows = 0, ...rest] = shape;
  if (rows % 3 !== 0) throw new CheckpointError(expected('rows in threes', name, [...shape]));
  const count = (rows / 3) * sizeOf(rest);
  return { dtype, shape: [rows / 3, ...rest], data: data.slice(i * count, (i + 1) * count) };
}
