// Saving a model: its weights as safetensors, with its configuration in their metadata and beside them.

import { downloadModelTensors } from '../checkpoints/modelState.ts';
import { formatSafetensors } from '../checkpoints/safetensors.ts';
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
  const config = storedConfig(model);
  const tensors = await downloadModelTensors(model);
  return formatSafetensors(tensors, { format: 'pt', config: JSON.stringify(config) });
}

/**
 * Writes a model into a store as one set, `model.safetensors` and `config.json`; `loadModel` reads them back.
 *
 * @throws IoError if it cannot be written; InputError if the configuration does not lead back to the model's family
 */
export async function saveModel(model: Model, store: FileStore): Promise<void> {
  const files = new Map<string, Uint8Array | string>([
    [modelFileNames.weights, await modelBytes(model)],
    [modelFileNames.config, `${JSON.stringify(storedConfig(model), null, 2)}\n`],
  ]);
  await store.commit(files, { parameters: model.countParameters() });
}
