// The options that came later and are left out of a stored configuration where they have their default, filled in.

import { defaultsOf } from '../../core/option.ts';
import { visionTransformerOptions } from './options.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';

const sparse = defaultsOf(
  Object.fromEntries(
    Object.entries(visionTransformerOptions).filter(([, option]) => 'sparse' in option),
  ),
);

/** A configuration in which every option has a value. */
export type WholeConfig = Required<VisionTransformerConfig>;

/** The configuration with the defaults of the options that it leaves out. */
export function whole(config: VisionTransformerConfig): WholeConfig {
  return { ...sparse, ...config } as WholeConfig;
}

/** The norm before the pooling and the one after it: which of the two there are. */
export function lastNorms(config: Pick<VisionTransformerConfig, 'finalNorm' | 'fcNorm'>): {
  norm: boolean;
  fcNorm: boolean;
} {
  const { finalNorm = true, fcNorm } = config;
  return { norm: finalNorm && !fcNorm, fcNorm: finalNorm && fcNorm };
}
