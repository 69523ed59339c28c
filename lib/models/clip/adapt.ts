// The tensors of CLIP's checkpoints by our names: OpenAI's, OpenCLIP's and Hugging Face's.

import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { CheckpointError, expected } from '../../core/errors.ts';
import type { AdaptOptions } from '../family.ts';
import { adapt as adaptVision } from '../vit/adapt.ts';
import { joinRows, permuted, shaped } from '../vit/tensorMoves.ts';
import type { ClipConfig } from './config.ts';

type Tensors = ReadonlyMap<string, HostTensor>;
type Rules = readonly (readonly [RegExp, string])[];

const ofHuggingFace: Rules = [
  [/^text_model\.embeddings\.token_embedding\.weight$/, 'text.token_embedding'],
  [/^text_model\.embeddings\.position_embedding\.weight$/, 'text.positional_embedding'],
  [/^text_model\.final_layer_norm\./, 'text.norm.'],
  [/^text_model\.encoder\.layers\./, 'text.blocks.'],
  [/\.layer_norm([12])\./, '.norm$1.'],
  [/\.self_attn\.out_proj\./, '.attn.proj.'],
];

const ofOpenAi: Rules = [
  [/^token_embedding\.weight$/, 'text.token_embedding'],
  [/^positional_embedding$/, 'text.positional_embedding'],
  [/^ln_final\./, 'text.norm.'],
  [/^transformer\.resblocks\./, 'text.blocks.'],
  [/\.ln_([12])\./, '.norm$1.'],
  [/\.attn\.in_proj_/, '.attn.qkv.'],
  [/\.attn\.out_proj\./, '.attn.proj.'],
  [/\.mlp\.c_fc\./, '.mlp.fc1.'],
  [/\.mlp\.c_proj\./, '.mlp.fc2.'],
];

// Numbers beside the weights of OpenAI's files, and buffers of old versions of both libraries.
const unused =
  /^(input_resolution|context_length|vocab_size|attn_mask|.*\.position_ids|.*\.attn_mask)$/;
const ofVision = /^(vision_model\.|visual\.|visual_projection\.)/;
const wrappers = ['module.', '_orig_mod.', 'model.'];

/**
 * The tensors of a checkpoint of CLIP by our names. The image tower passes the `adapt` of Vision Transformers: another grid of patches is
 * resampled as there.
 *
 * @throws CheckpointError if tensors that belong together are missing, or it is one of SigLIP
 *
 * Source: transformers, convert_clip_original_pytorch_to_hf.py.
 */
export function adaptClip(
  given: Tensors,
  config: ClipConfig,
  note: (text: string) => void = () => undefined,
  options: AdaptOptions<ClipConfig> = {},
): Map<string, HostTensor> {
  const tensors = bare(given);
  if (tensors.has('logit_bias')) {
    const remedy =
      'Its text tower needs SentencePiece, which is not built; the image tower alone loads as a ViT.';
    throw new CheckpointError(expected('a checkpoint of CLIP', 'the tensors', 'those of SigLIP', remedy)); // prettier-ignore
  }
  const own = new Map<string, HostTensor>();
  const vision = new Map<string, HostTensor>();
  const isForeign = [...tensors.keys()].some((name) => /^(vision_model\.|visual\.(conv1|trunk)\.)/.test(name)); // prettier-ignore
  for (const [name, tensor] of tensors) {
    if (unused.test(name)) note(`${name} is left out: the model has no use for it.`);
    else if (name === 'logit_scale') own.set(name, shaped(tensor, [], name));
    else if (!isForeign) own.set(name, tensor);
    else if (ofVision.test(name)) vision.set(name, tensor);
    else putText(name, tensors, own);
  }
  const tower = isForeign ? vision : takeVisual(own);
  putVision(tower, own, { config, note, options });
  return own;
}

// Our own names of the image tower without their prefix, taken out of the rest.
function takeVisual(own: Map<string, HostTensor>): Map<string, HostTensor> {
  const tower = new Map<string, HostTensor>();
  for (const [name, tensor] of [...own]) {
    if (!name.startsWith('visual.')) continue;
    tower.set(name.slice('visual.'.length), tensor);
    own.delete(name);
  }
  return tower;
}

function putVision(
  tower: Tensors,
  own: Map<string, HostTensor>,
  about: { config: ClipConfig; note: (text: string) => void; options: AdaptOptions<ClipConfig> },
): void {
  const { config, note, options } = about;
  const { source, ...rest } = options;
  const head = { ...config.vision, numClasses: config.projectionDim };
  const adapted = adaptVision(tower, head, note, {
    ...rest,
    ...(source && { source: source.vision }),
  });
  for (const [name, tensor] of adapted) {
    if (name === 'head.weight') own.set('visual_projection.weight', tensor);
    else if (name !== 'head.bias') own.set(`visual.${name}`, tensor);
  }
}

function putText(name: string, tensors: Tensors, own: Map<string, HostTensor>): void {
  const tensor = tensors.get(name)!;
  if (name === 'text_projection') {
    own.set('text_projection.weight', permuted(tensor, [1, 0]));
    return;
  }
  const part = /^text_model\.encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$/.exec(name); // prettier-ignore
  if (part === null) {
    const rules = name.startsWith('text_model.') ? ofHuggingFace : ofOpenAi;
    own.set(rules.reduce((text, [from, to]) => text.replace(from, to), name), tensor); // prettier-ignore
    return;
  }
  const [, block, letter, end] = part;
  if (letter !== 'q') return;
  const parts = ['q', 'k', 'v'].map((one) => {
    const wanted = name.replace('.q_proj.', `.${one}_proj.`);
    const found = tensors.get(wanted);
    if (found === undefined) throw new CheckpointError(expected('a tensor', wanted, 'none'));
    return found;
  });
  own.set(`text.blocks.${block}.attn.qkv.${end}`, joinRows(parts));
}

// Without the prefix of a wrapper, and with OpenCLIP's custom text tower under the names of the plain one.
function bare(tensors: Tensors): Tensors {
  const names = [...tensors.keys()];
  const prefix = wrappers.find((one) => names.length > 0 && names.every((name) => name.startsWith(one))); // prettier-ignore
  if (prefix !== undefined) {
    return bare(new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])));
  }
  if (!tensors.has('text.transformer.resblocks.0.ln_1.weight')) return tensors;
  return new Map([...tensors].map(([name, tensor]) => [name.replace(/^text\./, ''), tensor]));
}
