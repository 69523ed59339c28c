// Parses the options of a Vision Transformer in any of the vocabularies in use.

import { InputError, expected } from '../../core/errors.ts';
import { assertInteger, isRecord } from '../../core/check.ts';
import { didYouMean } from '../../core/nearest.ts';
import { optionNamed, parseOption, type Option, type OptionTable } from '../../core/option.ts';
import { clipOptions, isClipConfig } from './clipConfig.ts';
import { completeConfig, defaultConfig, mlpHiddenDimOf } from './config.ts';
import { huggingFaceOptions, withGatedMlp } from './huggingFace.ts';
import { ignoredKeys, visionTransformerOptions, visionTransformerShorthands } from './options.ts';
import type { VisionTransformerConfig, VisionTransformerOptions } from './optionTypes.ts';

export type { VisionTransformerOptions };

const shorthands: OptionTable = visionTransformerShorthands;
const known: OptionTable = { ...visionTransformerOptions, ...shorthands };

/**
 * Parses model options into a complete configuration in our names. It understands our names, timm's, Hugging Face's, DeiT's
 * flags, and `hiddenDim, numLayers, numChannels, numPatches, dropout`; `lib/models/vit/options.ts` lists them all.
 *
 * `hiddenDim` becomes `mlpRatio`; `numPatches` without `imageSize` a square image; `dropout` both `posDropRate` and
 * `projDropRate`; the size of Hugging Face's `id2label` is `numClasses`. A value of undefined or null counts as left out, except
 * that `layerScaleInit: null` is no layer scale.
 *
 * @throws InputError for a name it does not know, with the nearest one it does; for two names of one option, or for options
 *   that exclude each other, naming both
 *
 * @example
 * parseModelConfig({embed_dim: 192, num_heads: 3}).depth;                                    // 12
 * parseModelConfig({numPatches: 196, patchSize: 16}).imageSize;                              // [224, 224]
 */
export function parseModelConfig(options: unknown): VisionTransformerConfig {
  const { values, given } = collect(options);
  const patchSize = pair(values.get('patchSize') ?? defaultConfig.patchSize, 'patchSize');
  const partial: Record<string, unknown> = { ...defaultConfig };
  for (const [field, value] of values) if (field in partial) partial[field] = value;
  partial['patchSize'] = patchSize;
  partial['imageSize'] = imageSizeOf(values, given, patchSize);
  partial['fcNorm'] =
    values.get('fcNorm') ?? ['avg', 'avgmax', 'max'].includes(partial['globalPool'] as string);
  // timm builds no layer scale for 0 either.
  if (partial['layerScaleInit'] === 0) partial['layerScaleInit'] = null;
  applyHiddenDim(partial, values, given);
  applyDropout(partial, values, given);
  return completeConfig(partial);
}

/**
 * The options by our names, values as given; null and undefined are left out.
 *
 * @throws InputError for a name it does not know, or two names of one option with different values
 */
export function knownOptions(options: unknown): Record<string, unknown> {
  return Object.fromEntries(collect(options).values);
}

// The values by our field names, and under which name each was given.
function collect(whole: unknown): { values: Map<string, unknown>; given: Map<string, string> } {
  if (!isRecord(whole)) {
    throw new InputError(expected('an object of model options', 'config', whole));
  }
  const options = isClipConfig(whole) ? clipOptions(whole) : withGatedMlp(whole);
  const values = new Map<string, unknown>();
  const given = new Map<string, string>();
  for (const [key, received] of Object.entries(options)) {
    if (received === undefined || ignoredKeys.has(key)) continue;
    const field = optionNamed(known, key);
    if (field === undefined) {
      const near = didYouMean(key, Object.keys(known), 'docs/options.md lists them.');
      throw new InputError(expected('a model option', 'config', key, near));
    }
    // `layerScaleInit: null` means no layer scale; any other null is an option left out.
    const value: unknown = received ?? (field === 'layerScaleInit' ? 0 : undefined);
    if (value === undefined) continue;
    if (values.has(field) && JSON.stringify(values.get(field)) !== JSON.stringify(value)) {
      const earlier = `${given.get(field)} ${JSON.stringify(values.get(field))}`;
      throw conflict(`the same value as ${earlier}`, key, value);
    }
    values.set(field, value);
    given.set(field, key);
  }
  for (const [field, value, key] of huggingFaceOptions(options)) {
    if (values.has(field)) continue;
    values.set(field, value);
    given.set(field, key);
  }
  return { values, given };
}

function conflict(what: string, name: string, value: unknown): InputError {
  return new InputError(expected(what, name, value, 'Give one of the two.'));
}

function pair(value: unknown, name: string): readonly [number, number] {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && value.length === 2 && value.every((v) => typeof v === 'number')) {
    return [value[0] as number, value[1] as number];
  }
  throw new InputError(expected('a number or [height, width]', name, value));
}

// The value of a shorthand, checked by its descriptor; undefined if it was not given.
function shorthand(name: string, values: ReadonlyMap<string, unknown>): number | undefined {
  const value = values.get(name);
  if (value === undefined) return undefined;
  return parseOption(shorthands[name] as Option, value, name) as number;
}

function imageSizeOf(
  values: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, string>,
  patchSize: readonly [number, number],
): readonly [number, number] {
  const size = values.get('imageSize');
  const numPatches = shorthand('numPatches', values);
  const image = size === undefined ? undefined : pair(size, 'imageSize');
  if (numPatches === undefined) return image ?? defaultConfig.imageSize;
  if (image === undefined) {
    const side = Math.round(Math.sqrt(numPatches));
    if (side * side === numPatches) return [side * patchSize[0], side * patchSize[1]];
    throw new InputError(
      expected('a square number', 'numPatches', numPatches, 'Give imageSize [height, width].'),
    );
  }
  const follows = Math.floor(image[0] / patchSize[0]) * Math.floor(image[1] / patchSize[1]);
  if (follows === numPatches) return image;
  const sizes = `${given.get('imageSize')} ${image.join('×')} and patchSize ${patchSize.join('×')}`;
  throw conflict(`${follows}, which follows from ${sizes},`, 'numPatches', numPatches);
}

function applyHiddenDim(
  config: Record<string, unknown>,
  values: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, string>,
): void {
  const hiddenDim = shorthand('hiddenDim', values);
  if (hiddenDim === undefined) return;
  const embedDim = config['embedDim'];
  assertInteger('embedDim', embedDim, { min: 1 });
  const ratio = values.get('mlpRatio');
  if (ratio !== undefined && mlpHiddenDimOf({ embedDim, mlpRatio: Number(ratio) }) !== hiddenDim) {
    throw conflict(
      `embedDim ${embedDim} · ${given.get('mlpRatio')} ${Number(ratio)}`,
      given.get('hiddenDim')!,
      hiddenDim,
    );
  }
  config['mlpRatio'] = ratio ?? hiddenDim / embedDim;
}

function applyDropout(
  config: Record<string, unknown>,
  values: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, string>,
): void {
  const dropout = shorthand('dropout', values);
  if (dropout === undefined) return;
  for (const field of ['posDropRate', 'projDropRate'] as const) {
    const own = values.get(field);
    if (own !== undefined && own !== dropout) {
      throw conflict(`${dropout}, as ${given.get('dropout')} says,`, given.get(field)!, own);
    }
    config[field] = dropout;
  }
}
