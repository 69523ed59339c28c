// Models of any registered family, by the name of a size or by their options.

import { isRecord } from '../core/check.ts';
import { assertKind } from '../core/kinds.ts';
import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { timmModelOptions } from '../checkpoints/timmConfig.ts';
import type { ConfigNamed, ModelNamed, ModelOptions } from './families.ts';
import type { ModelFamily } from './family.ts';
import type { BuildOptions, Model } from './model.ts';
import { familyOf, familyWithSize, modelFamilies, storedConfig } from './registry.ts';
import { warnOnce } from './warnOnce.ts';

/**
 * The names `createModel` knows, sorted. Besides them it takes the short form `vit_tiny_16_224`, and a name with timm's tag of
 * weights, `vit_tiny_patch16_224.augreg_in21k_ft_in1k`, which stands for the same architecture.
 */
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
  const { family, size } = sizeNamed(name);
  return family.config(size, overrides) as ConfigNamed<N>;
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
  assertKind('the build options', options, 'object');
  const { family, size } = sizeNamed(name);
  const config = family.config(size, overrides);
  // Published sizes are not warned about, only the caller's own choices.
  const known = family.warnings?.(family.config(size)) ?? [];
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
  if (options !== undefined) assertKind('the build options', options, 'object');
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
 * The complete configuration that model options describe: `name` is a size that the others differ from, `family` the family. A
 * config.json of timm's hub, which names its `architecture`, is understood too.
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
  const hub = timmModelOptions(value);
  const { family: given, name, ...options } = hub ?? value;
  if (name === undefined) {
    const family = familyOf(value);
    return { family, config: family.parseConfig(options) };
  }
  const what = hub === undefined ? 'model.name' : 'architecture';
  if (typeof name !== 'string') throw new InputError(expected('a name', what, name));
  const { family, size } = sizeNamed(name, what);
  if (given != null && given !== family.family) {
    throw new InputError(expected(`${family.family}, which has ${name},`, 'model.family', given));
  }
  return { family, config: family.config(size, options) };
}

// The family of a name, and the name without timm's tag.
function sizeNamed(name: string, what = 'name'): { family: ModelFamily; size: string } {
  if (typeof name !== 'string') throw new InputError(expected('a model name', what, name));
  const [untagged = ''] = name.split('.');
  for (const size of [name, untagged]) {
    const family = familyWithSize(size);
    if (family !== undefined) return { family, size };
  }
  const list = 'tfjs-vit summary --list shows the names that are.';
  if (modelFamilies().some((family) => family.notBuilt?.(untagged) === true)) {
    const remedy = `This model of timm has parts that are not built yet; ${list}`;
    throw new InputError(expected('a model that is built', what, name, remedy));
  }
  const other =
    what === 'architecture' ? `It is not built yet; ${list}` : 'modelNames() lists them.';
  throw new InputError(
    expected('a model name', what, name, didYouMean(untagged, modelNames(), other)),
  );
}
