import { CheckpointError, InputError, expected, messageOf } from '../core/errors.ts';
import type { FileStore } from '../core/store.ts';
import { loadModelTensors, type LoadModelOptions } from '../checkpoints/modelState.ts';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import { MODEL_FILES } from './saveModel.ts';
import { VisionTransformer, type BuildOptions } from './visionTransformer.ts';

/**
 * How a model is loaded, beside what `loadModelTensors` takes.
 *
 * @property config  its configuration in any vocabulary of `parseModelConfig`; needed where the file does not carry one
 * @property name    what messages call the file; default `model.safetensors`
 */
export interface LoadOptions extends LoadModelOptions, BuildOptions {
  config?: unknown;
  name?: string;
}

/**
 * Builds the model of a store that `model.save` wrote, or of the bytes of one safetensors file.
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
  if (ArrayBuffer.isView(source)) return fromBytes(source, options);
  const name = options.name ?? MODEL_FILES.weights;
  const bytes = await source.read(name);
  if (options.config !== undefined) return fromBytes(bytes, { ...options, name });
  const stored = await source.has(MODEL_FILES.config);
  const config = stored
    ? parseJson(new TextDecoder().decode(await source.read(MODEL_FILES.config)), MODEL_FILES.config)
    : undefined;
  return fromBytes(bytes, { ...options, name, config });
}

function fromBytes(bytes: Uint8Array, options: LoadOptions): VisionTransformer {
  const { name = MODEL_FILES.weights, config: given, strict, allowNonFinite, onWarning } = options;
  const { tensors, metadata } = parseSafetensors(bytes, name);
  const carried = metadata.get('config');
  const config =
    given ?? (carried === undefined ? undefined : parseJson(carried, `the metadata of ${name}`));
  if (config === undefined) {
    throw new InputError(
      expected('a configuration', name, undefined, 'Pass {config}, or put config.json beside it.'),
    );
  }
  const model = new VisionTransformer(config, {
    initialise: strict === false,
    onWarning: onWarning ?? (() => {}),
  });
  try {
    loadModelTensors(model, tensors, {
      ...(strict === undefined ? {} : { strict }),
      ...(allowNonFinite === undefined ? {} : { allowNonFinite }),
    });
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

function parseJson(text: string, name: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(expected('JSON', name, messageOf(cause)), { cause });
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new CheckpointError(expected('a JSON object', name, value));
}
