import { closest } from 'fastest-levenshtein';
import { InputError, expected } from '../core/errors.ts';
import type { VisionTransformerConfig } from './vit/config.ts';
import { knownOptions, parseModelConfig } from './vit/parseConfig.ts';
import { modelSizes } from './vit/sizes.ts';
import { VisionTransformer, type BuildOptions } from './vit/visionTransformer.ts';

/** The names `createModel` knows, sorted. Besides them it takes the short form `vit_tiny_16_224`. */
export function modelNames(): string[] {
  return Object.keys(modelSizes).sort();
}

/**
 * The configuration of a named model, without building it.
 *
 * @param overrides  options in any vocabulary of `parseModelConfig`; they replace those of the name
 * @throws InputError for an unknown name, with the nearest known one
 *
 * @example modelConfig('vit_tiny_patch16_224', {numClasses: 10}).embedDim; // 192
 */
export function modelConfig(name: string, overrides: unknown = {}): VisionTransformerConfig {
  const full = name.replace(/^(vit|deit3?)_([a-z_]+)_(\d+)_(\d+)$/, '$1_$2_patch$3_$4');
  if (!Object.hasOwn(modelSizes, full)) {
    const nearest = closest(full, modelNames());
    throw new InputError(expected('a model name', 'name', name, `Did you mean ${nearest}?`));
  }
  const own = knownOptions(overrides);
  const size: Record<string, unknown> = { ...modelSizes[full] };
  // An override said in another way than the table says it.
  if ('hiddenDim' in own) delete size.mlpRatio;
  if ('numPatches' in own) delete size.imageSize;
  return parseModelConfig({ ...size, ...own });
}

/**
 * Builds a model by timm's name.
 *
 * @throws InputError as `modelConfig`
 *
 * @example
 * const model = createModel('vit_tiny_patch16_224', {numClasses: 10, imageSize: 64});
 */
export function createModel(
  name: string,
  overrides: unknown = {},
  options: BuildOptions = {},
): VisionTransformer {
  const config = modelConfig(name, overrides);
  const own = knownOptions(overrides);
  // The published sizes are as they are; only a choice of the caller's is worth a warning.
  const quiet = !('embedDim' in own) && !('numHeads' in own);
  return new VisionTransformer(config, { ...(quiet ? { onWarning: () => {} } : {}), ...options });
}
