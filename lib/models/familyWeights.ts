// The weights of the library's families without their models, so that a command reads and writes them without loading TensorFlow.js.

import { timmModelOptions } from '../checkpoints/timmConfig.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { vitOptions } from './vit/describe.ts';
import { timmNames } from './vit/foreignNames.ts';
import type { VisionTransformerConfig } from './vit/optionTypes.ts';
import { parseModelConfig } from './vit/parseConfig.ts';
import { fullName, sizeConfig } from './vit/sizeConfig.ts';
import { modelSizes } from './vit/sizes.ts';

export {
  huggingFaceFolder,
  timmFolder,
  type FolderPreparation,
  type HuggingFaceFolder,
} from './vit/exportFolders.ts';
export { timmNames, vitOptions };
export type { VisionTransformerConfig };

/**
 * The complete configuration of a Vision Transformer in any vocabulary: ours, Hugging Face's, that of timm's hub, or a size by its `name`.
 *
 * @throws InputError naming what cannot be used
 */
export function vitConfigOf(stored: object): VisionTransformerConfig {
  const given = timmModelOptions(stored as Record<string, unknown>) ?? stored;
  if (!isRecord(given)) throw new InputError(expected('an object', 'model', given));
  const { name, family, ...options } = given;
  if (family !== undefined && family !== 'vit') {
    throw new InputError(expected('a Vision Transformer', 'model.family', family));
  }
  if (name === undefined) return parseModelConfig(options);
  if (typeof name !== 'string') throw new InputError(expected('a name', 'model.name', name));
  const size = [name, name.split('.')[0]!].find((one) => isVitSize(one));
  if (size === undefined) throw new InputError(expected('a size of ViT', 'model.name', name));
  return sizeConfig(size, options);
}

/** Whether a name is one of the sizes of Vision Transformers. */
export function isVitSize(name: string): boolean {
  return Object.hasOwn(modelSizes, fullName(name));
}

/** The sizes whose tensors have the shapes of these, but for classes, channels and the size of images. */
export function vitSizesThatFit(tensors: ReadonlyMap<string, HostTensor>): string[] {
  const told = vitOptions(tensors);
  if (told === undefined) return [];
  const { embedDim, depth, patchSize, classToken, distilled, regTokens, preNorm, mlpRatio } = told;
  const wanted = { embedDim, depth, patchSize, classToken, distilled, regTokens, preNorm };
  return Object.keys(modelSizes).filter((name) => {
    const size = sizeConfig(name) as unknown as Record<string, unknown>;
    const same = Object.entries(wanted).every(
      ([key, value]) => JSON.stringify(size[key]) === JSON.stringify(value),
    );
    const isScaled = (size['layerScaleInit'] === null) === (told['layerScaleInit'] === null);
    return same && isScaled && Math.abs(Number(size['mlpRatio']) - Number(mlpRatio)) < 0.01;
  });
}
