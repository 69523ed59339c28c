import { formatSafetensors } from '../checkpoints/safetensors.ts';
import { downloadModelTensors } from '../checkpoints/modelState.ts';
import type { Module } from '../core/module.ts';
import type { FileStore } from '../core/store.ts';
import type { VisionTransformerConfig } from './vit/config.ts';

/** The files of a saved model. */
export const modelFileNames = { weights: 'model.safetensors', config: 'config.json' } as const;

/**
 * A model as the bytes of one safetensors file under timm's names; its configuration is in the metadata, as `config`.
 *
 * @example await writeFile('model.safetensors', await modelBytes(model, model.config));
 */
export async function modelBytes(
  model: Module,
  config: VisionTransformerConfig,
): Promise<Uint8Array> {
  const tensors = await downloadModelTensors(model);
  return formatSafetensors(tensors, { format: 'pt', config: JSON.stringify(config) });
}

/** Writes a model into a store as one set: `model.safetensors` and `config.json`. @throws IoError if it cannot be written */
export async function saveModel(
  model: Module,
  config: VisionTransformerConfig,
  store: FileStore,
): Promise<void> {
  const files = new Map<string, Uint8Array | string>([
    [modelFileNames.weights, await modelBytes(model, config)],
    [modelFileNames.config, `${JSON.stringify(config, null, 2)}\n`],
  ]);
  await store.commit(files, { parameters: model.countParameters() });
}
