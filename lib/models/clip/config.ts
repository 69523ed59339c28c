// The configuration of CLIP: both towers and what joins them, in our words or Hugging Face's.

import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { optionNamed, parseOptions, type OptionTable } from '../../core/option.ts';
import type { VisionTransformerConfig } from '../vit/config.ts';
import { parseModelConfig, type VisionTransformerOptions } from '../vit/parseConfig.ts';
import { clipJointOptions, clipTextOptions } from './options.ts';
import type { ClipJointFields, ClipJointOptions, ClipTextFields, ClipTextOptions } from './optionTypes.ts'; // prettier-ignore

export type { ClipTextOptions };

/** The complete configuration of the text tower. */
export type ClipTextConfig = ClipTextFields & { readonly hiddenDim: number };

/**
 * A complete configuration of CLIP; its key `family` leads a stored model back to the family.
 *
 * @property vision  of the image tower; it has no classes
 * @property text    of the text tower
 */
export type ClipConfig = ClipJointFields & {
  readonly family: 'clip';
  readonly vision: VisionTransformerConfig;
  readonly text: ClipTextConfig;
};

/** A part of a configuration; the rest is that of OpenAI's ViT-B/32. */
export type ClipOptions = ClipJointOptions & {
  readonly vision?: VisionTransformerOptions;
  readonly text?: ClipTextOptions;
  readonly imageSize?: number | readonly [number, number];
};

const b32 = { width: 768, patch: 32, text: 512, dim: 512 };
const named = {
  clip_vit_base_patch32: b32,
  clip_vit_base_patch16: { ...b32, patch: 16 },
  clip_vit_large_patch14: { width: 1024, patch: 14, text: 768, dim: 768 },
  clip_vit_large_patch14_336: { width: 1024, patch: 14, text: 768, dim: 768, size: 336 },
} as const;

/** The named sizes of OpenAI, by Hugging Face's names. */
export const clipSizes: readonly string[] = Object.keys(named);

// ViT-B/32, ViT-B-32-quickgelu, ViT-L/14@336px: OpenAI's and OpenCLIP's names.
const openName = /^vit[-_]([bl])[-_/](\d+)(?:[-_@](336)(?:px)?)?([-_]quickgelu)?$/i;

/** Hugging Face's name for a size in any spelling; undefined for another. */
export function clipSizeNamed(name: string): string | undefined {
  const plain = name
    .replace(/^openai\//, '')
    .replaceAll('-', '_')
    .toLowerCase();
  if (Object.hasOwn(named, plain)) return plain;
  const [, letter, patch, size] = openName.exec(name) ?? [];
  if (letter === undefined) return undefined;
  const width = letter.toLowerCase() === 'b' ? 'base' : 'large';
  const full = `clip_vit_${width}_patch${patch}${size === undefined ? '' : `_${size}`}`;
  return Object.hasOwn(named, full) ? full : undefined;
}

/** The configuration of a named size. @throws InputError as `parseClipConfig` */
export function clipSize(name: string, overrides: object = {}): ClipConfig {
  const size = named[clipSizeNamed(name) as keyof typeof named];
  const { width, patch, text, dim } = size;
  // OpenCLIP's own names without -quickgelu stand for weights with the exact GELU.
  const activation = /^vit-[bl]-\d+(-336)?$/i.test(name) ? 'gelu' : 'quick_gelu';
  const base = {
    vision: {
      imageSize: 'size' in size ? size.size : 224,
      patchSize: patch,
      embedDim: width,
      depth: width === 1024 ? 24 : 12,
      numHeads: width / 64,
      activation,
    },
    text: { embedDim: text, numHeads: text / 64, activation },
    projectionDim: dim,
  };
  return parseClipConfig(joined(base, known(overrides)));
}

/** A configuration with some options replaced. */
export function overriddenClip(config: ClipConfig, options: object): ClipConfig {
  return parseClipConfig(joined(config, known(options)));
}

/**
 * A complete configuration from options in our words, or from a config.json of Hugging Face's CLIP.
 *
 * @throws InputError naming the option that is unknown, of another type or out of range
 *
 * @example parseClipConfig({ vision: { imageSize: 32, patchSize: 8, embedDim: 64, depth: 4, numHeads: 4 }, projectionDim: 64 });
 */
export function parseClipConfig(options: unknown): ClipConfig {
  const { vision: given = {}, text = {}, imageSize, ...joint } = known(options);
  const parts = parseOptions<ClipJointFields>(clipJointOptions, joint, { what: 'an option of CLIP' }); // prettier-ignore
  if (!isRecord(given)) throw new InputError(expected('an object', 'vision', given));
  const size = imageSize == null ? {} : { imageSize };
  const towers = {
    preNorm: true,
    activation: 'quick_gelu',
    normEps: 1e-5,
    patchSize: 32,
    ...given,
  };
  const vision = parseModelConfig({ ...towers, ...size, numClasses: 0 });
  if (vision.globalPool === '') {
    throw new InputError(expected('a pooling to one vector', 'vision.globalPool', "''"));
  }
  return { family: 'clip', ...parts, vision, text: textConfig(text) };
}

function textConfig(given: unknown): ClipTextConfig {
  const values = byOwnName(clipTextOptions, given, 'text');
  const text = parseOptions<ClipTextFields>(clipTextOptions, values, { name: 'text' });
  if (text.embedDim % text.numHeads !== 0) {
    const what = `a multiple of numHeads ${text.numHeads}`;
    throw new InputError(expected(what, 'text.embedDim', text.embedDim));
  }
  return { ...text, hiddenDim: text.hiddenDim ?? 4 * text.embedDim };
}

// The options by our names: `vision`, `text`, `imageSize`, and those of both.
function known(options: unknown): Record<string, unknown> {
  if (!isRecord(options)) {
    throw new InputError(expected('an object of model options', 'config', options));
  }
  return isHuggingFace(options) ? fromHuggingFace(options) : ownNames(options);
}

function ownNames(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { family: _, vision, text, imageSize, img_size: side = imageSize, ...joint } = options;
  return {
    ...byOwnName(clipJointOptions, joint, 'config'),
    ...(vision != null && { vision }),
    ...(text != null && { text }),
    ...(side != null && { imageSize: side }),
  };
}

function byOwnName(table: OptionTable, given: unknown, where: string): Record<string, unknown> {
  if (!isRecord(given)) throw new InputError(expected('an object', where, given));
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value == null) continue;
    const field = optionNamed(table, key);
    if (field === undefined) {
      const near = didYouMean(key, Object.keys(table), 'docs/options.md lists them.');
      throw new InputError(expected('an option of CLIP', where, key, near));
    }
    values[field] = value;
  }
  return values;
}

// Options over a base: those of a tower replace the tower's, one by one.
function joined(base: object, own: Record<string, unknown>): object {
  const from = base as Record<string, unknown>;
  const tower = (name: string) => ({ ...(from[name] as object), ...(own[name] as object | undefined) }); // prettier-ignore
  return { ...from, ...own, vision: tower('vision'), text: tower('text') };
}

/** Whether a config.json is one of Hugging Face's CLIP with both towers. */
export function isHuggingFace(config: Readonly<Record<string, unknown>>): boolean {
  return config['model_type'] === 'clip' && isRecord(config['text_config']);
}

const textKeys = [
  'vocab_size', 'max_position_embeddings', 'hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size',
  'hidden_act', 'layer_norm_eps', 'eos_token_id',
]; // prettier-ignore

// A field that transformers leaves out of a file has the default of its class.
function fromHuggingFace(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = config['text_config'] as Record<string, unknown>;
  const fields = textKeys.filter((key) => text[key] != null).map((key) => [key, text[key]]);
  const vision = parseModelConfig(config);
  return {
    vision: { ...vision, numClasses: 0 },
    text: byOwnName(clipTextOptions, { intermediate_size: 2048, ...Object.fromEntries(fields) }, 'text_config'), // prettier-ignore
    ...(config['projection_dim'] != null && { projectionDim: config['projection_dim'] }),
    ...(config['logit_scale_init_value'] != null && {
      logitScale: config['logit_scale_init_value'],
    }),
  };
}
