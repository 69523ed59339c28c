// Models of any registered family, by the name of a size or by their options.

import { closest } from 'fastest-levenshtein';
import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { ConfigNamed, ModelNamed, ModelOptions } from './families.ts';
import type { ModelFamily } from './family.ts';
import type { BuildOptions, Model } from './model.ts';
import { familyOf, familyWithSize, modelFamilies, storedConfig } from './registry.ts';
import { warnOnce } from './warnOnce.ts';

/** The names `createModel` knows, sorted. Besides them it takes the short form `vit_tiny_16_224`. */
export function modelNames(): string[] {
  return modelFamilies()
    .flatMap((family) => family.names())
    .sort();
}

/**
 * The configuration of a named model, without building it.
 *
 * @param overrides  options in any vocabulary of the model's family; they replace those of the name
 * @throws InputError for an unknown name, with the nearest known one
 *
 * @example modelConfig('vit_tiny_patch16_224', {numClasses: 10}).embedDim; // 192
 */
export function modelConfig<N extends string>(name: N, overrides: object = {}): ConfigNamed<N> {
  return sizeFamily(name).config(name, overrides) as ConfigNamed<N>;
}

/**
 * Builds a model by timm's name.
 *
 * @throws InputError as `modelConfig`
 *
 * @example
 * const model = createModel('vit_tiny_patch16_224', {numClasses: 10, imageSize: 64});
 */
export function createModel<N extends string>(
  name: N,
  overrides: object = {},
  options: BuildOptions = {},
): ModelNamed<N> {
  const family = sizeFamily(name);
  const config = family.config(name, overrides);
  // Published sizes are not warned about, only the caller's own choices.
  const known = family.warnings?.(family.config(name)) ?? [];
  const onWarning = (text: string) => (known.includes(text) ? undefined : warnOnce(text));
  return buildOf(family, config, { onWarning, ...options }) as ModelNamed<N>;
}

/**
 * Builds a model from a configuration, in any vocabulary of its family.
 *
 * @throws InputError as `parseModelOptions`
 *
 * @example const model = buildModel({imageSize: 28, patchSize: 7, inChannels: 1, embedDim: 96, depth: 4, numHeads: 4});
 */
export function buildModel(options: ModelOptions | object, build?: BuildOptions): Model {
  const { family, config } = parsedModel(options);
  return buildOf(family, config, build);
}

/**
 * Builds a model of a known family from its complete configuration.
 *
 * @throws InputError if the model could be saved but not loaded again, because its configuration does not lead back to the family
 */
export function buildOf<C extends object, M extends Model>(
  family: ModelFamily<C, M>,
  config: C,
  options?: BuildOptions,
): M {
  const model = family.build(config, options);
  try {
    storedConfig(model);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/**
 * The complete configuration that model options describe: `name` is a size that the others differ from, `family` the family.
 *
 * @throws InputError naming an option that cannot be used
 *
 * @example parseModelOptions({name: 'vit_tiny_patch16_224', numClasses: 10});
 */
export function parseModelOptions(options: unknown): object {
  return parsedModel(options).config;
}

/** The family of model options, and the complete configuration that they describe. @throws InputError as `parseModelOptions` */
export function parsedModel(value: unknown): { family: ModelFamily; config: object } {
  if (!isRecord(value)) {
    throw new InputError(expected('an object of model options', 'model', value));
  }
  const { family: given, name, ...options } = value;
  if (name === undefined) {
    const family = familyOf(value);
    return { family, config: family.parseConfig(options) };
  }
  if (typeof name !== 'string') throw new InputError(expected('a name', 'model.name', name));
  const family = sizeFamily(name);
  if (given != null && given !== family.family) {
    throw new InputError(expected(`${family.family}, which has ${name},`, 'model.family', given));
  }
  return { family, config: family.config(name, options) };
}

function sizeFamily(name: string): ModelFamily {
  if (typeof name !== 'string') throw new InputError(expected('a model name', 'name', name));
  const family = familyWithSize(name);
  if (family !== undefined) return family;
  const nearest = closest(name, modelNames());
  throw new InputError(expected('a model name', 'name', name, `Did you mean ${nearest}?`));
}
