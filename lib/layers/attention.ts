// Multi-head self-attention as a layer.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import type { AttentionBranchInputs } from '../core/kernels.ts';
import { Module } from '../core/module.ts';
import { attentionTensors } from './attend.ts';
import { Dropout } from './drop.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { Linear } from './linear.ts';
import { mixTokens, type MixOptions } from './mixTokens.ts';
import { makeNorm, type Norm, type NormKind } from './norm.ts';

/** The configuration of an `Attention`. */
export interface AttentionConfig {
  dim: number;
  /** Divides `dim`. */
  numHeads: number;
  qkvBias?: boolean;
  /** True: queries and keys are normalised over the head dimension before their product. */
  qkNorm?: boolean;
  /** True: what attention gives is normalised before the projection, over all heads. */
  scaleNorm?: boolean;
  /** The kind of these norms; default LayerNorm. */
  normLayer?: NormKind;
  normEps?: number;
  /** False: the projection has no bias; default true. */
  projBias?: boolean;
  attnDrop?: number;
  projDrop?: number;
}

/**
 * Multi-head self-attention, [B, N, C] → [B, N, C].
 *
 * q, k, v = split(x·W_qkvᵀ + b); out = proj(concat_heads(softmax(q·kᵀ / √D)·v)), D = C / h.
 *
 * Between the two linear layers it runs as one op, which never holds the [B, h, N, N] probabilities. With `scaleNorm`, out = proj(norm(…)).
 * It runs unfused if queries and keys are normalised, if a dropout or a mask acts on the probabilities, or if an interceptor wants one of the tensors in between:
 * `<path>_logits`, `<path>_probs` (`blocks.3.attn_probs`, before dropout), `<path>_output`, and in a backward pass `<path>_grad`,
 * the gradient with respect to the probabilities. Both ways agree to 1e-5 relative (float32).
 *
 * Source: Vaswani et al. 2017, section 3.2; parameter names and their order are timm's.
 */
export class Attention extends Module {
  readonly qkv: Linear;
  readonly qNorm: Norm | undefined;
  readonly kNorm: Norm | undefined;
  readonly attnDrop: Dropout;
  readonly norm: Norm | undefined;
  readonly proj: Linear;
  readonly projDrop: Dropout;
  readonly numHeads: number;
  readonly headDim: number;
  readonly path: string;
  /** The paths of all steps that can run in here, its own among them. */
  readonly steps: readonly string[];
  private readonly mixing: MixOptions;

  constructor(config: AttentionConfig, scope: InitScope) {
    super();
    const kinds = {
      dim: 'count',
      numHeads: 'count',
      qkvBias: 'boolean?',
      qkNorm: 'boolean?',
      scaleNorm: 'boolean?',
      projBias: 'boolean?',
    } as const;
    const rates = { normEps: 'number?', attnDrop: 'rate?', projDrop: 'rate?' } as const;
    assertFields('Attention', config, { ...kinds, ...rates });
    assertScope(scope);
    const { dim, numHeads, qkvBias = true, qkNorm = false, normEps = 1e-6 } = config;
    const { attnDrop = 0, projDrop = 0, normLayer = 'LayerNorm', projBias = true } = config;
    const dense = (name: string, outFeatures: number, bias: boolean) =>
      this.child(name, new Linear({ inFeatures: dim, outFeatures, bias }, inside(scope, name)));
    const norm = (name: string, size: number) =>
      this.child(name, makeNorm(normLayer, { dim: size, epsilon: normEps }, inside(scope, name)));
    const dropout = (name: string, rate: number) =>
      this.child(name, new Dropout(rate, inside(scope, name)));
    this.path = scope.path;
    this.numHeads = numHeads;
    this.headDim = dim / numHeads;
    this.qkv = dense('qkv', 3 * dim, qkvBias);
    if (qkNorm) {
      this.qNorm = norm('q_norm', this.headDim);
      this.kNorm = norm('k_norm', this.headDim);
    }
    this.attnDrop = dropout('attn_drop', attnDrop);
    if (config.scaleNorm === true) this.norm = norm('norm', dim);
    this.proj = dense('proj', dim, projBias);
    this.projDrop = dropout('proj_drop', projDrop);
    const names = attentionTensors(this.path);
    const attending = { names, scale: this.headDim ** -0.5, dropout: this.attnDrop };
    this.mixing = { numHeads, qNorm: this.qNorm, kNorm: this.kNorm, attending };
    const children = [...this.children().keys()].map((name) => inside(scope, name).path);
    this.steps = [this.path, ...children, ...names];
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { qkv, norm, proj, projDrop } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const mixed = mixTokens(qkv.forward(given, context), this.mixing, context);
        const normed = norm?.forward(mixed, context) ?? mixed;
        return projDrop.forward(proj.forward(normed, context), context);
      }),
    );
  }

  /** Whether all of it can be part of one op: not with a norm inside or a mask, nor while a dropout acts. */
  isFusible(context: ForwardContext): boolean {
    if (this.qNorm !== undefined || this.norm !== undefined) return false;
    if (context.attnMask !== undefined) return false;
    return !this.attnDrop.acts(context) && !this.projDrop.acts(context);
  }

  /** The weights as `attentionBranch` takes them. */
  branchInputs(): Pick<AttentionBranchInputs, 'qkv' | 'qkvBias' | 'proj' | 'projBias'> {
    const { qkv, proj } = this;
    return {
      qkv: qkv.weight as tf.Tensor2D,
      proj: proj.weight as tf.Tensor2D,
      ...(qkv.bias && { qkvBias: qkv.bias as tf.Tensor1D }),
      ...(proj.bias && { projBias: proj.bias as tf.Tensor1D }),
    };
  }
}
