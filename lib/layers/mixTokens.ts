// Self-attention between the input layer of queries, keys and values and the projection, with what stands in between.

import type * as tf from '@tensorflow/tfjs';
import { mergeHeads, qkvAttention, splitHeads } from '../ops/qkvAttention.ts';
import type { ForwardContext } from '../core/context.ts';
import { attend, needsProbabilities, type AttendOptions } from './attend.ts';
import type { Norm } from './norm.ts';

/**
 * The parts of a self-attention between its linear layers.
 *
 * @property qNorm, kNorm  norms of queries and keys, over the head dimension
 * @property turn          what happens to queries and keys after their norms, [B, h, N, D]: their rotation
 */
export interface MixOptions {
  numHeads: number;
  qNorm?: Norm | undefined;
  kNorm?: Norm | undefined;
  attending: AttendOptions;
  turn?: ((x: tf.Tensor4D, which: 'q' | 'k') => tf.Tensor4D) | undefined;
}

/** Packed queries, keys and values [B, N, 3·C] → [B, N, C]; one op unless norms, a rotation or somebody's wishes stand in between. */
export function mixTokens(
  packed: tf.Tensor3D,
  { numHeads, qNorm, kNorm, attending, turn }: MixOptions,
  context: ForwardContext,
): tf.Tensor3D {
  const isPlain = qNorm === undefined && turn === undefined;
  if (isPlain && !needsProbabilities(attending, context)) {
    const { precision } = context;
    return qkvAttention(packed, { numHeads, scale: attending.scale, precision });
  }
  const [q, k, v] = splitHeads(packed, numHeads);
  const queries = qNorm?.forward(q, context) ?? q;
  const keys = kNorm?.forward(k, context) ?? k;
  const [turnedQ, turnedK] = turn ? [turn(queries, 'q'), turn(keys, 'k')] : [queries, keys];
  return mergeHeads(attend(turnedQ, turnedK, v, attending, context));
}
