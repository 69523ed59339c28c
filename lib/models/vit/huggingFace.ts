// Hugging Face's ViT and DeiT: what their config.json leaves unsaid, and the names of their tensors.

import { CheckpointError, expected } from '../../core/errors.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { joinRows } from './tensorMoves.ts';

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
  const isDino = /^dinov2/.test(String(type));
  const eps = isDino ? 1e-6 : 1e-12;
  if (config['hidden_size'] != null) found.push(['normEps', eps, 'hidden_size']);
  if (isDino) found.push(...dinoOptions(config));
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

// DINOv2 has layer scales; its registers, and then its class token too, have no place.
function dinoOptions(
  config: Readonly<Record<string, unknown>>,
): [field: string, value: unknown, key: string][] {
  const registers = Number(config['num_register_tokens'] ?? 0);
  return [
    ['layerScaleInit', 1, 'model_type'],
    ...(registers > 0
      ? ([['noEmbedClass', true, 'num_register_tokens']] as [string, unknown, string][])
      : []),
  ];
}

/**
 * A config.json of DINOv2 whose feed-forward layers are gated: the options that stand for them. Another one is returned as it is.
 *
 * The width is two thirds of `mlp_ratio · hidden_size`, rounded up to a multiple of 8, and the packed layer has twice as many rows.
 *
 * Source: transformers, modeling_dinov2.py, `Dinov2SwiGLUFFN`.
 */
export function withGatedMlp(
  config: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (config['use_swiglu_ffn'] !== true) return config;
  const { hidden_size: width = 768, mlp_ratio: ratio = 4, hidden_act: _act, ...rest } = config;
  const hidden = 8 * Math.ceil(Math.floor((Math.floor(Number(width) * Number(ratio)) * 2) / 3) / 8);
  const mlp = { mlpLayer: 'SwiGLUPacked', hiddenDim: 2 * hidden, activation: 'silu' };
  return { ...rest, hidden_size: width, ...mlp };
}

const ofBlock: Readonly<Record<string, string>> = {
  'attention.output.dense': 'attn.proj',
  'intermediate.dense': 'mlp.fc1',
  'output.dense': 'mlp.fc2',
  layernorm_before: 'norm1',
  layernorm_after: 'norm2',
  // DINOv2's.
  norm1: 'norm1',
  norm2: 'norm2',
  'mlp.fc1': 'mlp.fc1',
  'mlp.fc2': 'mlp.fc2',
  'mlp.weights_in': 'mlp.fc1',
  'mlp.weights_out': 'mlp.fc2',
};
const ofModel: Readonly<Record<string, string>> = {
  'embeddings.cls_token': 'cls_token',
  'embeddings.position_embeddings': 'pos_embed',
  'embeddings.register_tokens': 'reg_token',
  'embeddings.patch_embeddings.projection': 'patch_embed.proj',
  layernorm: 'norm',
  classifier: 'head',
  cls_classifier: 'head',
  distillation_classifier: 'head_dist',
};
const unused = /^(pooler\.|decoder\.|embeddings\.mask_token$)/;
const projection =
  /^encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(weight|bias)$/;

/** Whether tensors have the names of Hugging Face's ViT, DeiT or DINOv2. */
export function isHuggingFace(tensors: Tensors): boolean {
  return [...tensors.keys()].some((name) => projection.test(bare(name)));
}

/**
 * The tensors of Hugging Face's ViT, DeiT or DINOv2 by timm's names; queries, keys and values become one `qkv`, in this order.
 *
 * The pooler, the decoder of masked images and its mask token have no part in the logits; they are left out, and `leftOut` is told.
 *
 * @param distilled  whether the distillation token has a head of its own; default: the tensors tell
 * @throws CheckpointError if one of a block's queries, keys and values is missing, or two tensors would get one name
 */
export function fromHuggingFace(
  tensors: Tensors,
  distilled: boolean | undefined,
  leftOut: (name: string) => void,
): Map<string, HostTensor> {
  const own = new Map<string, HostTensor>();
  const hasTwoHeads = distilled ?? tensors.has('distillation_classifier.weight');
  const put = (name: string, tensor: HostTensor) => {
    if (own.has(name)) throw new CheckpointError(expected('one tensor', name, 'two'));
    own.set(name, tensor);
  };
  for (const [given, tensor] of tensors) {
    const name = bare(given);
    const match = projection.exec(name);
    if (unused.test(name)) leftOut(given);
    else if (match === null) put(timmName(name, hasTwoHeads), tensor);
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
  return name.replace(/^(vit|deit|dinov2|dinov2_with_registers)\./, '');
}

function timmName(name: string, distilled: boolean): string {
  if (name === 'embeddings.distillation_token') return distilled ? 'dist_token' : 'reg_token';
  const [, scaled, number] = /^encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1$/.exec(name) ?? [];
  if (scaled !== undefined) return `blocks.${scaled}.ls${number}.gamma`;
  const [, path = name, end = ''] = /^(.*)(\.(?:weight|bias))$/.exec(name) ?? [];
  const [, block, part = ''] = /^encoder\.layer\.(\d+)\.(.*)$/.exec(path) ?? [];
  if (block === undefined) return Object.hasOwn(ofModel, path) ? ofModel[path]! + end : name;
  return Object.hasOwn(ofBlock, part) ? `blocks.${block}.${ofBlock[part]}${end}` : name;
}
