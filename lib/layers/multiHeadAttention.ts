// Multi-head attention with separate projections of queries, keys and values, which may come from different tokens.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { mergeHeads } from '../ops/qkvAttention.ts';
import * as t from '../ops/tensor.ts';
import { InputError, expected } from '../core/errors.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import { attend, attentionTensors, type AttendOptions } from './attend.ts';
import { Dropout } from './drop.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { Linear } from './linear.ts';

/** The configuration of a `MultiHeadAttention`. */
export interface MultiHeadAttentionConfig {
  /** C, of queries, keys, values and the result. */
  dim: number;
  /** Divides `dim`. */
  numHeads: number;
  /** Rate of the dropout on the probabilities. */
  attnDrop?: number;
}

/**
 * The tokens that are attended to.
 *
 * @property keys    [B, M, C]
 * @property values  [B, M, C]
 * @property bias    [B, M], added to the logits of each key: 0, or `maskedLogit` for a key that nobody may look at; default none
 */
export interface AttendedTokens {
  keys: tf.Tensor3D;
  values: tf.Tensor3D;
  bias?: tf.Tensor2D | undefined;
}

/** The logit of a key that is masked: far below all others, so that its probability is exactly 0. */
export const maskedLogit = -1e9;

/**
 * Multi-head attention of queries to keys and values, [B, N, C] → [B, N, C].
 *
 * out = out_proj(concat_heads(softmax(q·kᵀ / √D + bias)·v)), q = queries·W_qᵀ + b_q, k and v likewise, D = C / h.
 *
 * It is one op that never holds the [B, h, N, M] probabilities: a bias is a channel more, 1 in the queries and the bias in the keys, so it
 * takes the same op. An interceptor that wants one of `<path>_logits`, `<path>_probs`, `<path>_grad`, `<path>_output` unfuses it.
 * A row with every key masked gives the mean of the values.
 *
 * Source: Vaswani et al. 2017, section 3.2.2; names are those of Hugging Face.
 */
export class MultiHeadAttention extends Module {
  readonly kProj: Linear;
  readonly vProj: Linear;
  readonly qProj: Linear;
  readonly outProj: Linear;
  readonly attnDrop: Dropout;
  readonly numHeads: number;
  readonly headDim: number;
  readonly path: string;
  private readonly attending: AttendOptions;

  constructor(config: MultiHeadAttentionConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', numHeads: 'count', attnDrop: 'rate?' } as const;
    assertFields('MultiHeadAttention', config, kinds);
    assertScope(scope);
    const { dim, numHeads, attnDrop = 0 } = config;
    if (dim % numHeads !== 0) {
      throw new InputError(expected(`a divisor of ${dim}`, 'numHeads', numHeads));
    }
    const dense = (name: string) =>
      this.child(name, new Linear({ inFeatures: dim, outFeatures: dim }, inside(scope, name)));
    this.path = scope.path;
    this.numHeads = numHeads;
    this.headDim = dim / numHeads;
    this.kProj = dense('k_proj');
    this.vProj = dense('v_proj');
    this.qProj = dense('q_proj');
    this.outProj = dense('out_proj');
    this.attnDrop = this.child('attn_drop', new Dropout(attnDrop, inside(scope, 'attn_drop')));
    const names = attentionTensors(this.path);
    this.attending = { names, scale: this.headDim ** -0.5, dropout: this.attnDrop };
  }

  /** @param queries [B, N, C] */
  forward(
    queries: tf.Tensor3D,
    { keys, values, bias }: AttendedTokens,
    context: ForwardContext = {},
  ): tf.Tensor3D {
    return moduleStep(this, queries, context, (given) =>
      t.tidy(() => {
        let q = this.heads(this.qProj.forward(given, context));
        let k = this.heads(this.kProj.forward(keys, context));
        let v = this.heads(this.vProj.forward(values, context));
        if (bias !== undefined) ({ q, k, v } = this.biased(q, k, v, bias));
        const out = attend(q, k, v, this.attending, context);
        const own =
          bias === undefined ? out : t.slice(out, [0, 0, 0, 0], [-1, -1, -1, this.headDim]);
        return this.outProj.forward(mergeHeads(own), context);
      }),
    );
  }

  // [B, N, C] → [B, h, N, D].
  private heads(x: tf.Tensor3D): tf.Tensor4D {
    const [batch, tokens] = x.shape;
    const parts = t.reshape<tf.Rank.R4>(x, [batch, tokens, this.numHeads, this.headDim]);
    return t.transpose(parts, [0, 2, 1, 3]);
  }

  // One channel more: scale·(1 · bias/scale) is the bias; the values have zeros there.
  private biased(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, bias: tf.Tensor2D) {
    const [batch, heads, tokens] = q.shape;
    const count = k.shape[2];
    const column = t.reshape(t.div(bias, this.attending.scale), [batch, 1, count, 1]);
    const spread = t.broadcastTo<tf.Rank.R4>(column, [batch, heads, count, 1]);
    return {
      q: t.concat<tf.Tensor4D>([q, t.ones([batch, heads, tokens, 1])], 3),
      k: t.concat<tf.Tensor4D>([k, spread], 3),
      v: t.concat<tf.Tensor4D>([v, t.zeros([batch, heads, count, 1])], 3),
    };
  }
}
