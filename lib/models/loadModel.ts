// Loading a model: from a store that holds one, or from the bytes of a file.

import { InputError, expected } from '../core/errors.ts';
import type { FileStore } from '../core/store.ts';
import {
  carriedConfig,
  checkpointNames,
  modelConfigOf,
  parseConfigJson,
} from '../checkpoints/configFile.ts';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import { buildLoaded, type BuildLoadedOptions } from './buildLoaded.ts';
import type { Model } from './model.ts';
import { modelFileNames } from './saveModel.ts';

/**
 * How a model is loaded, beside what `buildLoaded` takes.
 *
 * @property config  its configuration in any vocabulary of its family; needed where neither the weights nor a config.json
 *                   beside them carries one
 * @property name    the file of weights in the store; default the first of `checkpointNames`.
 *                   For bytes: what messages call them
 */
export interface LoadOptions<M extends Model = Model> extends BuildLoadedOptions<M> {
  config?: object | undefined;
  name?: string;
}

/**
 * Builds the model of a store that `saveModel` or a training run wrote, or of the bytes of one safetensors file.
 *
 * The configuration is, in this order: the one given, `config` in the metadata of the weights, config.json (of a run: its
 * `model`). The caller owns the model.
 *
 * @throws CheckpointError if the file is broken, of another model, or holds a NaN; nothing stays allocated then
 * @throws InputError if there is no configuration, or not one a model can be built from
 *
 * @example
 * const model = await loadModel(store);
 * const transformer = await loadModel(store, {family: vit});   // typed as VisionTransformer; another model is refused
 */
export async function loadModel<M extends Model = Model>(
  source: FileStore | Uint8Array,
  options: LoadOptions<M> = {},
): Promise<M> {
  if (ArrayBuffer.isView(source)) return build(source, undefined, options);
  const name = options.name ?? (await findWeights(source));
  const bytes = await source.read(name);
  const stored = await source.has(modelFileNames.config);
  const text = stored ? await source.read(modelFileNames.config) : undefined;
  return build(bytes, text, { ...options, name });
}

async function findWeights(store: FileStore): Promise<string> {
  for (const name of checkpointNames) if (await store.has(name)) return name;
  throw new InputError(expected(`one of ${checkpointNames.join(', ')}`, store.location, undefined));
}

function build<M extends Model>(
  bytes: Uint8Array,
  configFile: Uint8Array | undefined,
  { config: given, name = modelFileNames.weights, ...rest }: LoadOptions<M>,
): M {
  const { tensors, metadata } = parseSafetensors(bytes, name);
  const config = given ?? carriedConfig(metadata, name) ?? storedConfig(configFile);
  if (config === undefined) {
    const remedy = 'Pass {config}, or put config.json beside it.';
    throw new InputError(expected('a model configuration', name, undefined, remedy));
  }
  return buildLoaded(config, tensors, rest).model;
}

function storedConfig(file: Uint8Array | undefined): object | undefined {
  if (file === undefined) return undefined;
  return modelConfigOf(parseConfigJson(new TextDecoder().decode(file), modelFileNames.config));
}
