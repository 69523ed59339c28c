// Saving a model: its weights as safetensors, with its configuration in their metadata and beside them.

import { assertModule } from '../core/module.ts';
import { assertFields, assertMethods } from '../core/kinds.ts';
import { downloadModelTensors } from '../checkpoints/modelState.ts';
import { formatSafetensors } from '../checkpoints/safetensors.ts';
import { InputError, expected } from '../core/errors.ts';
import { recordOfModel } from '../core/modelRecord.ts';
import type { FileStore } from '../core/store.ts';
import type { Model } from './model.ts';
import { storedConfig } from './registry.ts';

/** The files of a saved model. */
export const modelFileNames = { weights: 'model.safetensors', config: 'config.json' } as const;

/**
 * A model as the bytes of one safetensors file under timm's names; its configuration is in the metadata, as `config`.
 *
 * @throws InputError if the configuration does not lead back to the model's family
 *
 * @example await writeFile('model.safetensors', await modelBytes(model));
 */
export async function modelBytes(model: Model): Promise<Uint8Array> {
  assertModule(model);
  const config = storedConfig(model);
  const tensors = await downloadModelTensors(model);
  return formatSafetensors(tensors, { format: 'pt', config: JSON.stringify(config) });
}

/**
 * The description of a model that `saveModel` writes into its config.json, besides the configuration. A model that was trained or
 * loaded brings its own, which is written where none is given.
 *
 * @property preprocessing  how an image becomes its input: a `Preprocessing`, as plain data
 * @property classNames     the names of its classes
 */
export interface SaveOptions {
  preprocessing?: object;
  classNames?: readonly string[];
}

/**
 * Writes a model into a store as one set, `model.safetensors` and `config.json`; `loadModel` reads them back.
 *
 * A model that is there is replaced. A config.json of another kind, such as a training run's, is not.
 *
 * @throws IoError if it cannot be written; InputError if the configuration does not lead back to the model's family, or the store
 *   holds a config.json that belongs to no saved model
 */
export async function saveModel(
  model: Model,
  store: FileStore,
  options: SaveOptions = {},
): Promise<void> {
  assertModule(model);
  assertMethods('a store', 'the place of the model', store, ['commit']);
  assertFields('options', options, { preprocessing: 'instance?', classNames: 'list?' });
  const config = storedConfig(model);
  if ((await store.has(modelFileNames.config)) && !(await store.has(modelFileNames.weights))) {
    const remedy = `Its ${modelFileNames.config} belongs to a run or another program. Choose another folder.`;
    throw new InputError(expected('a place for a model', 'saveModel', store.location, remedy));
  }
  const { preprocessing, classNames, data } = recordOfModel(model);
  const description = Object.entries({
    preprocessing: options.preprocessing ?? preprocessing,
    classNames: options.classNames ?? classNames,
    data,
  }).filter(([, value]) => value != null);
  // As a run's config.json has it: the model is one field beside the others.
  const described = description.length > 0;
  const record = described ? { model: config, ...Object.fromEntries(description) } : config;
  const files = new Map<string, Uint8Array | string>([
    [modelFileNames.weights, await modelBytes(model)],
    [modelFileNames.config, `${JSON.stringify(record, null, 2)}\n`],
  ]);
  await store.commit(files, { parameters: model.countParameters() });
}
