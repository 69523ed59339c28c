// Pooling: the tokens of an image as one vector.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import type { ForwardContext } from '../../core/context.ts';
import type { AttentionPool } from '../../layers/attentionPool.ts';
import type { VisionTransformerConfig } from './config.ts';

/**
 * Tokens to one vector: [B, N, C] → [B, C]; [B, N, C] as it is with globalPool ''.
 *
 * 'token': the first token; 'avg', 'max', 'avgmax' (½·(max + mean)): over the patch tokens; 'map': attention by a learned query.
 * With `poolIncludePrefix` the last four see the prefix tokens too.
 *
 * Source: timm/layers/pool1d.py, `global_pool_nlc`.
 */
export function pool(
  tokens: tf.Tensor3D,
  {
    globalPool,
    poolIncludePrefix,
  }: Pick<VisionTransformerConfig, 'globalPool' | 'poolIncludePrefix'>,
  numPrefixTokens: number,
  attnPool?: AttentionPool,
  context?: ForwardContext,
): tf.Tensor {
  if (globalPool === '') return tokens;
  const [batch, length, dim] = tokens.shape;
  if (globalPool === 'token')
    return t.reshape(t.slice(tokens, [0, 0, 0], [batch, 1, dim]), [batch, dim]);
  const first = poolIncludePrefix ? 0 : numPrefixTokens;
  const seen = first === 0 ? tokens : t.slice(tokens, [0, first, 0], [batch, length - first, dim]);
  switch (globalPool) {
    case 'avg':
      return t.mean(seen, 1);
    case 'max':
      return t.max(seen, 1);
    case 'avgmax':
      return t.mul(t.add(t.max(seen, 1), t.mean(seen, 1)), 0.5);
    case 'map':
      return attnPool!.forward(seen, context);
  }
}
