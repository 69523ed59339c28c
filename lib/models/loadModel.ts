// Loads a model: from a store, the bytes of a file, or a checkpoint that was read.

import { assertKind } from '../core/kinds.ts';
import { InputError, expected } from '../core/errors.ts';
import { keepRecord, recordOfModel } from '../core/modelRecord.ts';
import type { FileStore } from '../core/store.ts';
import {
  configFromMetadata,
  checkpointNames,
  maxConfigBytes,
  modelConfigOf,
  parseConfigJson,
} from '../checkpoints/configFile.ts';
import { preprocessorKey, preprocessorName } from '../checkpoints/huggingFaceConfig.ts';
import { readTensors, type ReadTensors } from '../checkpoints/readTensors.ts';
import { checkpointConfig } from './checkpointConfig.ts';
import type { ReadOptions } from '../checkpoints/checkpointFormat.ts';
import { buildLoaded, type BuildLoadedOptions } from './buildLoaded.ts';
import type { Model } from './model.ts';
import { modelFileNames } from './saveModel.ts';

/**
 * The options of `loadModel`, besides those of `buildLoaded`.
 *
 * `useEma` and `checkpointKey` choose among several sets of weights in one file.
 *
 * @property config  its configuration in any vocabulary of its family; needed where neither the metadata of the weights nor a
 *                   config.json beside them has one
 * @property name    the file of weights in the store; default the first of `checkpointNames`.
 *                   For bytes and tensors: how messages call them
 */
export interface LoadOptions<M extends Model = Model> extends BuildLoadedOptions<M>, ReadOptions {
  config?: object | undefined;
  name?: string;
}

/**
 * Builds the model of a store that `saveModel` or a training run wrote, of the bytes of one file, or of what `readTensors` gave.
 *
 * The format of the weights is found by content (`readTensors`).
 *
 * The configuration is, in this order: the one given, `config` in the metadata of the weights, config.json (of a run: its
 * `model`). The caller owns the model. `predict` finds the preprocessing and the class names of config.json by the model.
 *
 * @throws CheckpointError if the file is broken, of another model, or holds a NaN; nothing stays allocated then
 * @throws InputError if there is no configuration, or not one a model can be built from
 *
 * @example
 * const model = await loadModel(store);
 * const transformer = await loadModel(store, {family: vit});   // typed as VisionTransformer; another model is refused
 */
export async function loadModel<M extends Model = Model>(
  source: FileStore | Uint8Array | ReadTensors,
  options: LoadOptions<M> = {},
): Promise<M> {
  assertKind('options', options, 'instance');
  const remedy = 'Give new Uint8Array(buffer) for an ArrayBuffer.';
  if (typeof source !== 'object' || source === null) {
    throw new InputError(expected('a store, a Uint8Array or tensors', 'loadModel', source, remedy));
  }
  if (ArrayBuffer.isView(source)) {
    const { name = modelFileNames.weights } = options;
    return build(await readTensors(source, name, undefined, choiceOf(options)), undefined, options);
  }
  if ('tensors' in source) return build(source, undefined, options);
  if (typeof source.has !== 'function') {
    throw new InputError(expected('a store, a Uint8Array or tensors', 'loadModel', source, remedy));
  }
  const name = options.name ?? (await findWeights(source));
  const read = (part: string): Promise<Uint8Array> => source.read(part);
  const found = await readTensors(await read(name), name, read, choiceOf(options));
  const stored = await source.has(modelFileNames.config);
  const config = stored
    ? await source.read(modelFileNames.config, { maxBytes: maxConfigBytes })
    : undefined;
  const preprocessor = (await source.has(preprocessorName))
    ? parseConfigJson(
        await source.read(preprocessorName, { maxBytes: maxConfigBytes }),
        preprocessorName,
      )
    : undefined;
  const model = build(found, config, options);
  if (preprocessor !== undefined) {
    keepRecord(model, { ...recordOfModel(model), [preprocessorKey]: preprocessor });
  }
  return model;
}

function choiceOf({ useEma, checkpointKey }: ReadOptions): ReadOptions {
  return { useEma, checkpointKey };
}

async function findWeights(store: FileStore): Promise<string> {
  for (const name of checkpointNames) if (await store.has(name)) return name;
  throw new InputError(expected(`one of ${checkpointNames.join(', ')}`, store.location, undefined));
}

function build<M extends Model>(
  { tensors, metadata, source, facts, notes }: ReadTensors,
  configFile: Uint8Array | undefined,
  { config: given, name = source, ...rest }: LoadOptions<M>,
): M {
  const record =
    configFile === undefined ? undefined : parseConfigJson(configFile, modelFileNames.config);
  const beside = record === undefined ? undefined : modelConfigOf(record);
  const stored = configFromMetadata(metadata, name) ?? beside;
  const note = rest.onAdapt;
  notes?.forEach((text) => note?.(text));
  const config =
    given ??
    checkpointConfig({ tensors, config: stored, facts }, { source: name, ...(note && { note }) });
  const { model } = buildLoaded(config, tensors, { stored, record, ...rest });
  if (record !== undefined) keepRecord(model, record);
  return model;
}
