// Hugging Face's config.json of a DETR.

import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { huggingFaceResNetOptions } from '../resnet/huggingFace.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Whether a configuration is one of Hugging Face's DETRs. */
export function isHuggingFaceDetr(options: Fields): boolean {
  return options['model_type'] === 'detr';
}

// The fields that have the same meaning under our names.
const same = [
  'd_model',
  'encoder_layers',
  'decoder_layers',
  'encoder_attention_heads',
  'decoder_attention_heads',
  'encoder_ffn_dim',
  'decoder_ffn_dim',
  'num_queries',
  'dropout',
  'attention_dropout',
  'activation_dropout',
] as const;

/**
 * The options of a DETR in our vocabulary, from a config.json of Hugging Face. Its norms are frozen.
 *
 * The backbone is `backbone_config` (a ResNet of Hugging Face or timm's name), or `backbone` in older files. The classes are counted in
 * `id2label`, sparse ids such as those of COCO by the largest.
 *
 * @throws InputError for a variant that is not built: dilation (DC5), learned positions, another activation than ReLU, another
 *   backbone than a ResNet
 *
 * Source: transformers/models/detr/configuration_detr.py.
 */
export function huggingFaceDetrOptions(options: Fields): Record<string, unknown> {
  refuseUnless(options, 'dilation', false);
  refuseUnless(options, 'position_embedding_type', 'sine');
  refuseUnless(options, 'activation_function', 'relu');
  const { num_labels: labels, id2label: names, num_channels: inChannels } = options;
  const told = Object.fromEntries(same.map((key) => [key, options[key]]));
  const all = {
    ...told,
    numClasses: labels ?? (isRecord(names) ? classesOf(names) : undefined),
    inChannels,
    backbone: { ...backboneOptions(options), frozenNorm: true },
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value != null));
}

function classesOf(names: Fields): number {
  const ids = Object.keys(names).map(Number);
  const wrong = ids.find((id) => !Number.isSafeInteger(id) || id < 0);
  if (wrong !== undefined || ids.length === 0) {
    throw new InputError(
      expected('numbers of classes', 'the keys of id2label', Object.keys(names)),
    );
  }
  return ids.reduce((most, id) => Math.max(most, id), 0) + 1;
}

function backboneOptions({ backbone_config: config, backbone: name }: Fields): object {
  if (!isRecord(config)) return { name: sizeOf(name ?? 'resnet50') };
  const { model_type: kind, backbone } = config;
  // With a table of tensors given instead, as parity has it, the options are ours.
  if (kind === undefined && backbone === undefined) return config;
  if (kind === 'timm_backbone' || kind === undefined) return { name: sizeOf(backbone) };
  if (kind !== 'resnet')
    throw new InputError(expected('resnet', 'backbone_config.model_type', kind));
  const { numClasses: _, ...own } = huggingFaceResNetOptions(config);
  return own;
}

// timm's names may carry a tag of weights: resnet50.a1_in1k.
function sizeOf(name: unknown): unknown {
  return typeof name === 'string' ? name.split('.')[0] : name;
}

function refuseUnless(options: Fields, key: string, only: unknown): void {
  const value = options[key] ?? only;
  if (value === only) return;
  throw new InputError(expected(String(only), `${key} of config.json`, value, 'It is not built.'));
}
