// The model of a golden case, from the options of timm that the case gives.

import { InputError, VitError, expected } from '../core/errors.ts';
import { parseModelOptions } from '../models/createModel.ts';
import type { GoldenCase } from './goldenCase.ts';
import type { BuildOptions } from '../models/model.ts';

/** The options of a model of timm that a case's config may have. */
const modelKeys = [
  'img_size',
  'patch_size',
  'in_chans',
  'num_classes',
  'embed_dim',
  'depth',
  'num_heads',
  'mlp_ratio',
  'qkv_bias',
  'qk_norm',
  'init_values',
  'class_token',
  'reg_tokens',
  'no_embed_class',
  'pre_norm',
  'global_pool',
  'fc_norm',
  'dynamic_img_size',
  'act_layer',
  'norm_eps',
  'distilled',
  'drop_path_rate',
  'final_norm',
  'norm_layer',
  'embed_norm_layer',
  'mlp_layer',
  'block_fn',
  'proj_bias',
  'scale_attn_norm',
  'scale_mlp_norm',
] as const;

/**
 * The model that a case's options describe, with timm's defaults for the rest.
 *
 * @throws InputError naming the case and the key, if one is unknown or its value cannot be used
 */
export function goldenModelConfig(
  options: Readonly<Record<string, unknown>>,
  golden: GoldenCase,
): object {
  onlyKnownKeys(options, modelKeys, `config of ${golden.name}`);
  try {
    return parseModelOptions(options);
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    throw new InputError(`config of ${golden.name}: ${error.message}`);
  }
}

/** The build options of a case's model: its weights are loaded next, and its config is not warned about. */
export const goldenBuild: BuildOptions = { initialize: false, onWarning: () => undefined };

/** Throws an InputError naming the first key that is not known. */
export function onlyKnownKeys(
  options: Readonly<Record<string, unknown>>,
  known: readonly string[],
  where: string,
): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new InputError(expected('a known option', where, unknown, `Known: ${known.join(', ')}.`));
  }
}
