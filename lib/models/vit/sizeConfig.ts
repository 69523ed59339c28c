// The configuration of a named size with options in place of its own, without the model.

import type { VisionTransformerConfig } from './optionTypes.ts';
import { knownOptions, parseModelConfig } from './parseConfig.ts';
import { modelSizes } from './sizes.ts';

/** A name as the table of sizes has it: `vit_tiny_16_224` is short for `vit_tiny_patch16_224`. */
export function fullName(name: string): string {
  return name.replace(/^(vit|deit3?)_([a-z_]+)_(\d+)_(\d+)$/, '$1_$2_patch$3_$4');
}

/** The configuration of a size, with options in any vocabulary in place of its own. @throws InputError for an option that cannot be used */
export function sizeConfig(name: string, overrides: object = {}): VisionTransformerConfig {
  return parseModelConfig(replaced(modelSizes[fullName(name)] ?? {}, overrides));
}

/** A configuration with options in any vocabulary in place of its own. @throws InputError as `sizeConfig` */
export function overridden(
  config: VisionTransformerConfig,
  options: object,
): VisionTransformerConfig {
  return parseModelConfig(replaced(config, options));
}

// Options with others in their place, in any vocabulary.
function replaced(options: object, others: object): object {
  const own = knownOptions(others);
  const base: Record<string, unknown> = { ...options };
  // A shorthand replaces an option under another name.
  if ('hiddenDim' in own) delete base['mlpRatio'];
  if ('numPatches' in own) delete base['imageSize'];
  if ('dropout' in own) for (const name of ['posDropRate', 'projDropRate']) delete base[name];
  return { ...base, ...own };
}
