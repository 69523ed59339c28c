// The image towers of CLIP and SigLIP: OpenAI's and OpenCLIP's names, and Hugging Face's.

import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { CheckpointError, expected } from '../../core/errors.ts';
import { joinRows, permuted, rowsOf, shaped } from './tensorMoves.ts';

type Tensors = ReadonlyMap<string, HostTensor>;
type Put = (name: string, tensor: HostTensor) => void;

/** Whether tensors have the names of OpenAI's CLIP or of OpenCLIP's own image tower. */
export function isOpenClip(tensors: Tensors): boolean {
  return tensors.has('visual.conv1.weight') && tensors.has('visual.positional_embedding');
}

const ofOpenClip: readonly (readonly [RegExp, string])[] = [
  [/^conv1\./, 'patch_embed.proj.'],
  [/^ln_pre\./, 'norm_pre.'],
  [/^ln_post\./, 'norm.'],
  [/^transformer\.resblocks\./, 'blocks.'],
  [/\.ln_([12])\./, '.norm$1.'],
  [/\.ls_([12])\./, '.ls$1.'],
  [/\.attn\.in_proj_/, '.attn.qkv.'],
  [/\.attn\.out_proj\./, '.attn.proj.'],
  [/\.mlp\.c_fc\./, '.mlp.fc1.'],
  [/\.mlp\.c_proj\./, '.mlp.fc2.'],
];

/**
 * The image tower of OpenAI's CLIP or OpenCLIP by timm's names. The projection into the common space becomes the head, with a bias of 0.
 *
 * Source: timm/models/vision_transformer.py, `_convert_openai_clip`.
 */
export function fromOpenClip(tensors: Tensors, put: Put, leftOut: (name: string) => void): void {
  for (const [given, tensor] of tensors) {
    const name = given.startsWith('visual.') ? given.slice('visual.'.length) : undefined;
    if (name === undefined) leftOut(given);
    else if (name === 'class_embedding') put('cls_token', asRow(tensor, given));
    else if (name === 'positional_embedding') put('pos_embed', batchOfOne(tensor));
    else if (name === 'proj') putHead(permuted(tensor, [1, 0]), put);
    else
      put(
        ofOpenClip.reduce((text, [from, to]) => text.replace(from, to), name),
        tensor,
      );
  }
}

/** Whether tensors have the names of the image towers of Hugging Face's CLIP and SigLIP. */
export function isHuggingFaceClip(tensors: Tensors): boolean {
  return [...tensors.keys()].some((name) =>
    /^(vision_model\.)?embeddings\.patch_embedding\.weight$/.test(name),
  );
}

const ofTower: readonly (readonly [RegExp, string])[] = [
  [/^embeddings\.patch_embedding\./, 'patch_embed.proj.'],
  [/^pre_layrnorm\./, 'norm_pre.'],
  [/^post_layernorm\./, 'norm.'],
  [/^encoder\.layers\./, 'blocks.'],
  [/\.layer_norm([12])\./, '.norm$1.'],
  [/\.self_attn\.out_proj\./, '.attn.proj.'],
  [/^head\.attention\.out_proj\./, 'attn_pool.proj.'],
  [/^head\.layernorm\./, 'attn_pool.norm.'],
  [/^head\.mlp\./, 'attn_pool.mlp.'],
];

/**
 * The image tower of Hugging Face's CLIP or SigLIP by timm's names: queries, keys and values become one `qkv`, the projection the head,
 * and SigLIP's pooling `attn_pool`.
 *
 * Source: transformers, modeling_clip.py and modeling_siglip.py.
 *
 * @throws CheckpointError if one of a block's queries, keys and values is missing
 */
export function fromHuggingFaceClip(
  tensors: Tensors,
  put: Put,
  leftOut: (name: string) => void,
): void {
  for (const [given, tensor] of tensors) {
    const name = given.replace(/^vision_model\./, '');
    if (/^(text_model\.|text_projection|logit_|embeddings\.token)/.test(name)) leftOut(given);
    else if (name === 'embeddings.position_ids') leftOut(given);
    else if (name === 'embeddings.class_embedding') put('cls_token', asRow(tensor, given));
    else if (name === 'embeddings.position_embedding.weight') put('pos_embed', batchOfOne(tensor));
    else if (name === 'visual_projection.weight') putHead(tensor, put);
    else if (name === 'head.probe') put('attn_pool.latent', tensor);
    else if (name.startsWith('head.attention.in_proj_')) putQueries(name, tensor, put);
    else putPart(name, given, tensors, put);
  }
}

function putPart(name: string, given: string, tensors: Tensors, put: Put): void {
  const [, block, part, end] =
    /^encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$/.exec(name) ?? [];
  if (block === undefined) {
    put(
      ofTower.reduce((text, [from, to]) => text.replace(from, to), name),
      tensors.get(given)!,
    );
    return;
  }
  if (part !== 'q') return;
  const parts = ['q', 'k', 'v'].map((one) => {
    const wanted = given.replace('.q_proj.', `.${one}_proj.`);
    const found = tensors.get(wanted);
    if (found === undefined) throw new CheckpointError(expected('a tensor', wanted, 'none'));
    return found;
  });
  put(`blocks.${block}.attn.qkv.${end}`, joinRows(parts));
}

// [3C, …]: the query's rows first, then those of keys and values.
function putQueries(name: string, tensor: HostTensor, put: Put): void {
  const rows = tensor.shape[0]! / 3;
  if (!Number.isInteger(rows)) throw new CheckpointError(expected('3·C rows', name, tensor.shape));
  const end = name.endsWith('bias') ? 'bias' : 'weight';
  put(`attn_pool.q.${end}`, rowsOf(tensor, 0, rows));
  put(`attn_pool.kv.${end}`, rowsOf(tensor, rows, 3 * rows));
}

function putHead(weight: HostTensor, put: Put): void {
  const classes = weight.shape[0]!;
  put('head.weight', weight);
  put('head.bias', { dtype: 'F32', shape: [classes], data: new Float32Array(classes) });
}

function asRow(tensor: HostTensor, name: string): HostTensor {
  return shaped(tensor, [1, 1, tensor.shape.reduce((product, size) => product * size, 1)], name);
}

function batchOfOne(tensor: HostTensor): HostTensor {
  return { ...tensor, shape: [1, ...tensor.shape] };
}
