import { InputError, expected } from '../core/errors.ts';
import type { FileStore } from '../core/store.ts';
import {
  carriedConfig,
  checkpointNames,
  modelConfigOf,
  parseConfigJson,
} from '../checkpoints/configFile.ts';
import { loadModelTensors, type LoadModelOptions } from '../checkpoints/modelState.ts';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import { modelFileNames } from './saveModel.ts';
import { VisionTransformer, type BuildOptions } from './vit/visionTransformer.ts';

/**
 * How a model is loaded, beside what `loadModelTensors` takes.
 *
 * @property config  its configuration in any vocabulary of `parseModelConfig`; needed where neither the weights nor a
 *                   config.json beside them carries one
 * @property name    the file of weights in the store; default the first of `checkpointNames`.
 *                   For bytes: what messages call them
 */
export interface LoadOptions extends LoadModelOptions, BuildOptions {
  config?: unknown;
  name?: string;
}

/**
 * Builds the model of a store that `model.save` or a training run wrote, or of the bytes of one safetensors file.
 *
 * The configuration is, in this order: the one given, `config` in the metadata of the weights, config.json (of a run: its
 * `model`). The caller owns the model.
 *
 * @throws CheckpointError if the file is broken, of another model, or holds a NaN; nothing stays allocated then
 * @throws InputError if there is no configuration, or not one a model can be built from
 *
 * @example const model = await loadModel(store);
 */
export async function loadModel(
  source: FileStore | Uint8Array,
  options: LoadOptions = {},
): Promise<VisionTransformer> {
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

function build(
  bytes: Uint8Array,
  configFile: Uint8Array | undefined,
  { config: given, name = modelFileNames.weights, onWarning = () => {}, ...rest }: LoadOptions,
): VisionTransformer {
  const { tensors, metadata } = parseSafetensors(bytes, name);
  const config = given ?? carriedConfig(metadata, name) ?? storedConfig(configFile);
  if (config === undefined) {
    const remedy = 'Pass {config}, or put config.json beside it.';
    throw new InputError(expected('a model configuration', name, undefined, remedy));
  }
  // Only what stays without a value of its own has to be drawn.
  const model = new VisionTransformer(config, { initialize: rest.strict === false, onWarning });
  try {
    loadModelTensors(model, tensors, rest);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

function storedConfig(file: Uint8Array | undefined): object | undefined {
  if (file === undefined) return undefined;
  return modelConfigOf(parseConfigJson(new TextDecoder().decode(file), modelFileNames.config));
}
