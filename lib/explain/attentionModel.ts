// The models whose attention can be drawn over an image.

import { assertModule } from '../core/module.ts';
import { InputError, expected } from '../core/errors.ts';
import type { Model } from '../models/model.ts';

/**
 * A model of tokens on a grid of patches, whose blocks offer `blocks.<i>.attn_probs` [B, h, N, N] to a capture.
 *
 * @property numPrefixTokens  tokens before the patches
 * @property hasClassToken    true: the first of them is a class token
 * @property globalPool       how the tokens become the vector that is classified, as timm's `global_pool`; default `token`
 * @property gridSize         rows and columns of patches at the model's image size
 * @property embedDim         channels of a token
 */
export interface AttentionModel extends Model {
  readonly numPrefixTokens: number;
  readonly hasClassToken: boolean;
  readonly globalPool?: string;
  readonly gridSize: readonly [number, number];
  readonly embedDim: number;
}

/**
 * The query whose attention explains the prediction: the class token where the classifier reads it, else the mean over the patches.
 */
export function queryOf({
  hasClassToken,
  globalPool = 'token',
}: Pick<AttentionModel, 'hasClassToken' | 'globalPool'>): 'class' | 'mean' {
  return hasClassToken && (globalPool === 'token' || globalPool === '') ? 'class' : 'mean';
}

/** Whether a model has tokens on a grid of patches. */
export function isAttentionModel(model: Model): model is AttentionModel {
  assertModule(model, ['forward']);
  const { numPrefixTokens, hasClassToken, gridSize, embedDim } = model as Partial<AttentionModel>;
  return (
    typeof numPrefixTokens === 'number' &&
    typeof hasClassToken === 'boolean' &&
    typeof embedDim === 'number' &&
    Array.isArray(gridSize)
  );
}

/** Throws an InputError unless a model has tokens on a grid of patches. */
export function assertAttentionModel(model: Model): asserts model is AttentionModel {
  if (isAttentionModel(model)) return;
  const remedy = 'Give one with tokens on a grid of patches, such as a Vision Transformer.';
  throw new InputError(expected('a model with attention', 'model', model.family, remedy));
}
