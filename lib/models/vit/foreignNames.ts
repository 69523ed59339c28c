// The names of the Vision Transformers that are around, brought to timm's.

import { CheckpointError, expected } from '../../core/errors.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { fromHuggingFaceClip, fromOpenClip, isHuggingFaceClip, isOpenClip } from './clipNames.ts';
import { fromGoogle, isGoogle } from './googleNames.ts';
import { fromHuggingFace, isHuggingFace } from './huggingFace.ts';
import { rowsOf, shaped, sumOf } from './tensorMoves.ts';

type Tensors = ReadonlyMap<string, HostTensor>;

// Wrappers around a model: DataParallel, torch.compile, Lightning, transformers around timm, self-supervision, OpenCLIP around timm.
const wrappers = [
  'module.', '_orig_mod.', 'model.', 'timm_model.', 'backbone.', 'encoder.', 'net.', 'network.', 'student.', 'teacher.',
  'visual.trunk.', 'vision_encoder.', 'image_encoder.',
]; // prettier-ignore

// A part of a larger model, chosen by one of its names; what stands beside it is left out.
const parts: readonly (readonly [prefix: string, sign: RegExp])[] = [
  ['visual.trunk.', /^visual\.trunk\.(blocks\.|pos_embed$)/],
  ['vision_encoder.', /^vision_encoder\.(blocks\.|cls_token$)/],
  ['backbone.', /^backbone\.(blocks\.|cls_token$)/],
  ['encoder.', /^encoder\.(blocks\.\d+\.attn\.|cls_token$)/],
];

/**
 * Names that are never weights of a Vision Transformer: counters of batch norms and of averages, the decoder and the mask token of masked
 * images, heads of self-supervision, the unused layer before old heads.
 */
const unused =
  /^(n_averaged|pre_logits\..*|mask_token|decoder_.*|head\.(mlp|last_layer)\..*|.*\.num_batches_tracked|num_batches_tracked)$/;

/**
 * The tensors of a checkpoint by timm's names.
 *
 * timm's and DeiT's own names stay as they are. A prefix that all names share is taken off; of a larger model the image tower is taken
 * (`visual.trunk.`, `backbone.`, …). Understood are Hugging Face's ViT, DeiT, DINOv2 (with registers), CLIP and SigLIP, OpenAI's CLIP and
 * OpenCLIP, DINO, DINOv2 and MAE under their own names, Google's .npz, and `gamma_1` of DeiT III.
 *
 * @param leftOut    told the names that have no place in the model
 * @param distilled  whether the model has a second head; default: the tensors tell
 * @throws CheckpointError if tensors that belong together are missing, or two would get one name
 */
export function timmNames(
  tensors: Tensors,
  leftOut: (name: string) => void,
  distilled?: boolean,
): Map<string, HostTensor> {
  const bare = partOf(withoutWrappers(tensors), leftOut);
  const own = new Map<string, HostTensor>();
  const put = (name: string, tensor: HostTensor): void => {
    if (unused.test(name)) return leftOut(name);
    const timm = name.replace(/\.gamma_([12])$/, '.ls$1.gamma');
    if (own.has(timm)) throw new CheckpointError(expected('one tensor', timm, 'two'));
    own.set(timm, tensor);
  };
  if (isGoogle(bare)) fromGoogle(bare, put, leftOut);
  else if (isOpenClip(bare)) fromOpenClip(bare, put, leftOut);
  else if (isHuggingFaceClip(bare)) fromHuggingFaceClip(bare, put, leftOut);
  else if (isHuggingFace(bare)) {
    for (const [name, tensor] of fromHuggingFace(bare, distilled, leftOut)) put(name, tensor);
  } else for (const [name, tensor] of bare) put(ownName(name), tensor);
  placeRegisters(own, bare);
  return own;
}

// DINOv2's names where they differ from timm's.
function ownName(name: string): string {
  if (name === 'register_tokens') return 'reg_token';
  return name.replace(/\.mlp\.w12\./, '.mlp.fc1.').replace(/\.mlp\.w3\./, '.mlp.fc2.');
}

// In DINOv2 the class token has a place and the registers have none; in timm neither has, so its place is added to the token.
function placeRegisters(own: Map<string, HostTensor>, given: Tensors): void {
  const isDino = [...given.keys()].some((name) => /(^|\.)register_tokens$/.test(name));
  const [token, places] = [own.get('cls_token'), own.get('pos_embed')];
  if (!isDino || token === undefined || places?.shape.length !== 3) return;
  const [, tokens, dim] = places.shape as [number, number, number];
  const rows = shaped(places, [tokens, dim], 'pos_embed');
  own.set('cls_token', sumOf(token, rowsOf(rows, 0, 1)));
  const patches = rowsOf(rows, 1, tokens);
  own.set('pos_embed', { ...patches, shape: [1, tokens - 1, dim] });
}

function withoutWrappers(tensors: Tensors): Tensors {
  const names = [...tensors.keys()].filter((name) => name !== 'n_averaged');
  if (names.length === 0) return tensors;
  const prefix = wrappers.find((one) => names.every((name) => name.startsWith(one)));
  if (prefix === undefined) return tensors;
  return withoutWrappers(
    new Map(names.map((name) => [name.slice(prefix.length), tensors.get(name)!])),
  );
}

function partOf(tensors: Tensors, leftOut: (name: string) => void): Tensors {
  const names = [...tensors.keys()];
  const [prefix] = parts.find(([, sign]) => names.some((name) => sign.test(name))) ?? [];
  if (prefix === undefined) return tensors;
  const own = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(prefix)) own.set(name.slice(prefix.length), tensor);
    // The projection of OpenCLIP behind a tower of timm.
    else if (name === 'visual.head.proj.weight') {
      const classes = tensor.shape[0] ?? 0;
      own.set('head.weight', tensor);
      own.set('head.bias', { dtype: 'F32', shape: [classes], data: new Float32Array(classes) });
    } else leftOut(name);
  }
  return own;
}
