// Google's Vision Transformers as JAX stores them (.npz): names, and kernels whose axes stand the other way round.

import { sizeOf } from '../../core/check.ts';
import { CheckpointError, expected } from '../../core/errors.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { joinRows, permuted, rowsOf, shaped } from './tensorMoves.ts';

type Tensors = ReadonlyMap<string, HostTensor>;
type Put = (name: string, tensor: HostTensor) => void;

const prefixes = ['', 'opt/target/', 'params/', 'params/img/', 'target/'];

/** Whether tensors have the names of Google's Vision Transformers. */
export function isGoogle(tensors: Tensors): boolean {
  return prefixOf(tensors) !== undefined;
}

function prefixOf(tensors: Tensors): string | undefined {
  return prefixes.find((prefix) => tensors.has(`${prefix}embedding/kernel`));
}

const ends: Readonly<Record<string, string>> = { kernel: 'weight', scale: 'weight', bias: 'bias' };
const ofModel: Readonly<Record<string, string>> = {
  embedding: 'patch_embed.proj',
  'Transformer/encoder_norm': 'norm',
  head: 'head',
  'MAPHead_0/LayerNorm_0': 'attn_pool.norm',
  'MAPHead_0/MlpBlock_0/Dense_0': 'attn_pool.mlp.fc1',
  'MAPHead_0/MlpBlock_0/Dense_1': 'attn_pool.mlp.fc2',
  'MAPHead_0/MultiHeadDotProductAttention_0/out': 'attn_pool.proj',
};
const attention = /^(.*MultiHeadDotProductAttention_\d+)\/(query|key|value)\/(kernel|bias)$/;

/**
 * The tensors of a JAX checkpoint by timm's names: the first form of Google, AugReg's, and big_vision's, in which the blocks may be one
 * tensor each with the block as its first axis.
 *
 * Kernels [in, out] become [out, in], those of attention [C, h, D] rows of `qkv`, the convolution [h, w, I, C] becomes [C, I, h, w].
 *
 * Source: timm/models/vision_transformer.py, `_load_weights`.
 *
 * @throws CheckpointError if queries, keys and values do not belong together
 */
export function fromGoogle(tensors: Tensors, put: Put, leftOut: (name: string) => void): void {
  const prefix = prefixOf(tensors)!;
  const own = new Map<string, HostTensor>();
  for (const [given, tensor] of tensors) {
    const stacked = `${prefix}Transformer/encoderblock/`;
    if (!given.startsWith(prefix) || /^(opt\/(?!target)|pre_logits|t$|b$)/.test(given)) {
      leftOut(given);
    } else if (given.startsWith(stacked)) {
      const [depth = 0, ...shape] = tensor.shape;
      for (let i = 0; i < depth; i += 1) {
        const name = `Transformer/encoderblock_${i}/${given.slice(stacked.length)}`;
        own.set(name, { ...rowsOf(tensor, i, i + 1), shape });
      }
    } else own.set(given.slice(prefix.length), tensor);
  }
  for (const [name, tensor] of own) {
    const match = attention.exec(name);
    if (match !== null) putAttention(match, own, put);
    else if (name === 'cls') put('cls_token', tensor);
    else if (name === 'MAPHead_0/probe') put('attn_pool.latent', tensor);
    else if (/^(Transformer\/posembed_input\/)?pos_embedding$/.test(name)) put('pos_embed', tensor);
    else if (name.startsWith('pre_logits/')) leftOut(name);
    else putLayer(name, tensor, put);
  }
}

function putLayer(name: string, tensor: HostTensor, put: Put): void {
  const [, path = name, end = ''] = /^(.*)\/(kernel|scale|bias)$/.exec(name) ?? [];
  const [, block, part = ''] = /^Transformer\/encoderblock_(\d+)\/(.*)$/.exec(path) ?? [];
  const own = block === undefined ? ofModel[path] : `blocks.${block}.${blockPart(part)}`;
  if (own === undefined || end === '') return put(name, tensor);
  const isOut = path.endsWith('/out') && end === 'kernel';
  put(`${own}.${ends[end]}`, end === 'kernel' ? asWeight(tensor, isOut, name) : flat(tensor));
}

function blockPart(part: string): string {
  if (part === 'LayerNorm_0') return 'norm1';
  if (/^LayerNorm_[12]$/.test(part)) return 'norm2';
  if (/^MultiHeadDotProductAttention_\d+\/out$/.test(part)) return 'attn.proj';
  const [, dense] = /^MlpBlock_\d+\/Dense_([01])$/.exec(part) ?? [];
  return dense === undefined ? part : `mlp.fc${Number(dense) + 1}`;
}

// [in, out] → [out, in]; the projection behind attention is [h, D, C]; a convolution [h, w, I, C] → [C, I, h, w].
function asWeight(tensor: HostTensor, isOut: boolean, name: string): HostTensor {
  const { shape } = tensor;
  if (isOut && shape.length === 3) {
    const [heads, dim, out] = shape as [number, number, number];
    return permuted(shaped(tensor, [heads * dim, out], name), [1, 0]);
  }
  if (shape.length === 4) {
    // A head that is a convolution of one pixel.
    const weight = permuted(tensor, [3, 2, 0, 1]);
    return name.startsWith('head/') ? shaped(weight, [shape[3]!, shape[2]!], name) : weight;
  }
  return shape.length === 2 ? permuted(tensor, [1, 0]) : tensor;
}

function putAttention(
  [, path = '', part = '', end = '']: RegExpExecArray,
  own: Tensors,
  put: Put,
): void {
  if (part !== 'query') return;
  const parts = ['query', 'key', 'value'].map((one) => {
    const name = `${path}/${one}/${end}`;
    const found = own.get(name);
    if (found === undefined) throw new CheckpointError(expected('a tensor', name, 'none'));
    if (end === 'bias') return flat(found);
    const [width = 0, ...heads] = found.shape;
    return permuted(shaped(found, [width, sizeOf(heads)], name), [1, 0]);
  });
  const kind = ends[end]!;
  const [, block] = /^Transformer\/encoderblock_(\d+)\//.exec(path) ?? [];
  if (block !== undefined) return put(`blocks.${block}.attn.qkv.${kind}`, joinRows(parts));
  put(`attn_pool.q.${kind}`, parts[0]!);
  put(`attn_pool.kv.${kind}`, joinRows(parts.slice(1)));
}

function flat(tensor: HostTensor): HostTensor {
  return { ...tensor, shape: [sizeOf(tensor.shape)] };
}
