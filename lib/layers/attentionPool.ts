// Pooling by attention.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { repeatForBatch } from '../ops/repeatForBatch.ts';
import type { ForwardContext } from '../core/context.ts';
import { truncNormal } from '../core/init.ts';
import { moduleStep, step } from '../core/intercept.ts';
import type { ActivationForm } from '../ops/activation.ts';
import { Module, type Parameter } from '../core/module.ts';
import { attend, attentionTensors } from './attend.ts';
import { assertScope, initial, inside, type InitScope } from './initScope.ts';
import { Linear } from './linear.ts';
import { Mlp } from './mlp.ts';
import { makeNorm, type Norm, type NormKind } from './norm.ts';

/** The configuration of an `AttentionPool`. */
export interface AttentionPoolConfig {
  dim: number;
  numHeads: number;
  mlpHiddenDim: number;
  normEps?: number;
  activation?: ActivationForm;
  /** The kind of the norm; default LayerNorm. */
  normLayer?: NormKind;
}

/**
 * Pools tokens by one learned query that attends to all of them: [B, N, C] → [B, C].
 *
 * z = proj(attention(q(latent), k(x), v(x))), out = z + mlp(norm(z)).
 *
 * An interceptor finds the tensors inside under the names that `Attention` gives them, `attn_pool_probs` [B, h, 1, N] and so on, and
 * the sum as `attn_pool.residual`.
 *
 * Source: Zhai et al. 2022, "Scaling vision transformers", section 3.3 (MAP head); names are those of timm's `AttentionPoolLatent`.
 */
export class AttentionPool extends Module {
  readonly latent: Parameter;
  readonly q: Linear;
  readonly kv: Linear;
  readonly proj: Linear;
  readonly norm: Norm;
  readonly mlp: Mlp;
  readonly path: string;
  private readonly numHeads: number;
  private readonly names: readonly string[];

  constructor(config: AttentionPoolConfig, scope: InitScope) {
    super();
    const kinds = {
      dim: 'count',
      numHeads: 'count',
      mlpHiddenDim: 'count',
      normEps: 'number?',
    } as const;
    assertFields('AttentionPool', config, kinds);
    assertScope(scope);
    const { dim, numHeads, normEps = 1e-6, activation = 'erf', normLayer = 'LayerNorm' } = config;
    this.path = scope.path;
    this.names = attentionTensors(scope.path);
    this.numHeads = numHeads;
    const dense = (name: string, outFeatures: number) =>
      this.child(name, new Linear({ inFeatures: dim, outFeatures }, inside(scope, name)));
    this.latent = this.parameter(
      'latent',
      initial(scope, 'latent', [1, 1, dim], (shape, rng) =>
        // Truncated at two standard deviations, as by timm's trunc_normal_tf_.
        truncNormal(shape, rng, { std: 1 }).map((value) => value / Math.sqrt(dim)),
      ),
    );
    this.q = dense('q', dim);
    this.kv = dense('kv', 2 * dim);
    this.proj = dense('proj', dim);
    const norm = { dim, epsilon: normEps };
    this.norm = this.child('norm', makeNorm(normLayer, norm, inside(scope, 'norm')));
    const mlp = { dim, hiddenDim: config.mlpHiddenDim, activation };
    this.mlp = this.child('mlp', new Mlp(mlp, inside(scope, 'mlp')));
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor2D {
    return moduleStep(this, x, context, (given) => t.tidy(() => this.pool(given, context)));
  }

  private pool(x: tf.Tensor3D, context: ForwardContext): tf.Tensor2D {
    const { numHeads, names, norm, mlp } = this;
    const [batch, tokens, dim] = x.shape;
    const headDim = dim / numHeads;
    const kv = t.reshape(this.kv.forward(x, context), [batch, tokens, 2, numHeads, headDim]);
    const [k, v] = t.unstack(t.transpose(kv, [2, 0, 3, 1, 4])) as [tf.Tensor4D, tf.Tensor4D];
    const query = this.q.forward(this.latent as tf.Tensor as tf.Tensor3D, context);
    const heads: tf.Tensor4D = t.reshape(query, [1, numHeads, 1, headDim]);
    const q = repeatForBatch(heads, batch);
    // The mask of the pass is one of self-attention.
    const { attnMask: _, ...unmasked } = context;
    const out = attend(q, k, v, { names, scale: headDim ** -0.5 }, unmasked);
    const pooled = this.proj.forward(t.reshape<tf.Rank.R3>(out, [batch, 1, dim]), context);
    const branch = mlp.forward(norm.forward(pooled, context), context);
    const sum = `${this.path}.residual`;
    const result = step(sum, [pooled, branch] as const, context, (a, b) => t.add(a, b));
    return t.reshape(result, [batch, dim]);
  }
}
