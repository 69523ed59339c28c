// The configuration of a Vision Transformer's checkpoint, without building the model.

import { InputError, expected } from '../core/errors.ts';
import type { CheckpointFile } from '../io/checkpointFile.ts';
import {
  isVitSize,
  vitConfigOf,
  vitOptions,
  type VisionTransformerConfig,
} from '../models/familyWeights.ts';

/**
 * The configuration that is stored, else that of a named size with the classes, channels and images that the tensors tell.
 *
 * @param model   the size that the user names
 * @param needed  true: where nothing tells the model, that is an error; else the result is undefined
 * @throws InputError as said
 */
export function vitConfigOfCheckpoint(
  { tensors, config, facts, path }: CheckpointFile,
  model: string | undefined,
  needed: boolean,
): VisionTransformerConfig | undefined {
  const name = model ?? facts?.model;
  if (config !== undefined) return vitConfigOf(config);
  const told = vitOptions(tensors);
  if (told === undefined) {
    if (!needed) return undefined;
    throw new InputError(expected('a Vision Transformer', 'the checkpoint', path));
  }
  const { numClasses, inChannels, imageSize } = told;
  if (name !== undefined && (model !== undefined || isVitSize(name))) {
    return vitConfigOf({ name, numClasses, inChannels, ...(imageSize !== undefined && { imageSize }) }); // prettier-ignore
  }
  if (!needed) return undefined;
  const remedy = 'Name its model: --model vit_tiny_patch16_224.';
  throw new InputError(expected('config.json beside the weights', path, undefined, remedy));
}
