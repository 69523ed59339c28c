// Hugging Face's ViT and DeiT: what their config.json leaves unsaid, and the names of their tensors.

import { CheckpointError, expected } from '../../core/errors.ts';
import { toFloat32, type HostTensor } from '../../checkpoints/hostTensor.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';

type Tensors = ReadonlyMap<string, HostTensor>;

/**
 * The options that follow from a config.json of Hugging Face: [field, value, the key that it follows from].
 *
 * ε of the norms is 1e-12 unless it says otherwise. The number of classes is that of `id2label`; `ViTModel` has no classifier, and
 * one with two classes does not write their names. The distillation token of `DeiTForImageClassification`, whose output nobody
 * reads, is a register token.
 *
 * Source: transformers, configuration_vit.py, configuration_deit.py, modeling_deit.py.
 */
export function huggingFaceOptions(
  config: Readonly<Record<string, unknown>>,
): [field: string, value: unknown, key: string][] {
  const { id2label, architectures, model_type: type } = config;
  const found: [string, unknown, string][] = [];
  if (config['hidden_size'] != null) found.push(['normEps', 1e-12, 'hidden_size']);
  const kinds = Array.isArray(architectures) ? architectures.map(String) : [];
  if (typeof id2label === 'object' && id2label !== null) {
    found.push(['numClasses', Object.keys(id2label).length, 'id2label']);
  } else if (kinds.length > 0) {
    const classifies = kinds.some((kind) => kind.includes('ForImageClassification'));
    found.push(['numClasses', classifies ? 2 : 0, 'architectures']);
  }
  if (type !== 'deit') return found;
  const distilled = kinds.some((kind) => kind.endsWith('WithTeacher'));
  found.push(distilled ? ['distilled', true, 'architectures'] : ['regTokens', 1, 'model_type']);
  return found;
}

const ofBlock: Readonly<Record<string, string>> = {
  'attention.output.dense': 'attn.proj',
  'intermediate.dense': 'mlp.fc1',
  'output.dense': 'mlp.fc2',
  layernorm_before: 'norm1',
  layernorm_after: 'norm2',
};
const ofModel: Readonly<Record<string, string>> = {
  'embeddings.cls_token': 'cls_token',
  'embeddings.position_embeddings': 'pos_embed',
  'embeddings.patch_embeddings.projection': 'patch_embed.proj',
  layernorm: 'norm',
  classifier: 'head',
  cls_classifier: 'head',
  distillation_classifier: 'head_dist',
};
const unused = /^(pooler\.|decoder\.|embeddings\.mask_token$)/;
const projection =
  /^encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(weight|bias)$/;

/** Whether tensors have the names of Hugging Face's ViT or DeiT. */
export function isHuggingFace(tensors: Tensors): boolean {
  return [...tensors.keys()].some((name) => projection.test(bare(name)));
}

/**
 * The tensors of Hugging Face's ViT or DeiT by timm's names; queries, keys and values become one `qkv`, in this order.
 *
 * The pooler, the decoder of masked images and its mask token have no part in the logits; they are left out, and `leftOut` is told.
 *
 * @throws CheckpointError if one of a block's queries, keys and values is missing, or two tensors would get one name
 */
export function fromHuggingFace(
  tensors: Tensors,
  config: VisionTransformerConfig,
  leftOut: (name: string) => void,
): Map<string, HostTensor> {
  const own = new Map<string, HostTensor>();
  const put = (name: string, tensor: HostTensor) => {
    if (own.has(name)) throw new CheckpointError(expected('one tensor', name, 'two'));
    own.set(name, tensor);
  };
  for (const [given, tensor] of tensors) {
    const name = bare(given);
    const match = projection.exec(name);
    if (unused.test(name)) leftOut(given);
    else if (match === null) put(timmName(name, config), tensor);
    else if (match[2] === 'query') {
      const parts = ['query', 'key', 'value'].map((part) => {
        const wanted = given.replace('.query.', `.${part}.`);
        const found = tensors.get(wanted);
        if (found === undefined) throw new CheckpointError(expected('a tensor', wanted, 'none'));
        return found;
      });
      put(`blocks.${match[1]}.attn.qkv.${match[3]}`, joinRows(parts));
    } else if (!tensors.has(given.replace(/\.(key|value)\./, '.query.'))) {
      throw new CheckpointError(expected('queries, keys and values', `block ${match[1]}`, given));
    }
  }
  return own;
}

function bare(name: string): string {
  return name.replace(/^(vit|deit)\./, '');
}

function timmName(name: string, { distilled }: VisionTransformerConfig): string {
  if (name === 'embeddings.distillation_token') return distilled ? 'dist_token' : 'reg_token';
  const [, path = name, end = ''] = /^(.*)(\.(?:weight|bias))$/.exec(name) ?? [];
  const [, block, part = ''] = /^encoder\.layer\.(\d+)\.(.*)$/.exec(path) ?? [];
  if (block === undefined) return Object.hasOwn(ofModel, path) ? ofModel[path]! + end : name;
  return Object.hasOwn(ofBlock, part) ? `blocks.${block}.${ofBlock[part]}${end}` : name;
}

// Tensors one below the other, in their own dtype if it is the same.
function joinRows(parts: readonly HostTensor[]): HostTensor {
  const [first, ...others] = parts;
  const { dtype, shape } = first!;
  const [, ...row] = shape;
  const fits = others.every((part) => part.shape.slice(1).join() === row.join());
  if (!fits) {
    const shapes = parts.map((part) => part.shape);
    throw new CheckpointError(expected('rows of one length', 'queries, keys and values', shapes));
  }
  const rows = parts.reduce((sum, part) => sum + part.shape[0]!, 0);
  const same = others.every((part) => part.dtype === dtype);
  const arrays = parts.map((part) => (same ? part.data : toFloat32(part)));
  const length = arrays.reduce((sum, { length: own }) => sum + own, 0);
  const Elements = arrays[0]!.constructor as new (length: number) => Float32Array;
  const data = new Elements(length);
  let at = 0;
  for (const array of arrays as Float32Array[]) {
    data.set(array, at);
    at += array.length;
  }
  return { dtype: same ? dtype : 'F32', shape: [rows, ...row], data };
}
