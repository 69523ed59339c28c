import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { scaledDotProductAttention } from '../ops/attention.ts';
import { mergeHeads, qkvAttention, splitHeads } from '../ops/qkvAttention.ts';
import { recordGradient } from '../ops/recordGradient.ts';
import type { ForwardContext } from '../core/context.ts';
import type { AttentionBranchInputs } from '../core/kernels.ts';
import { Module } from '../core/module.ts';
import { dropout } from './drop.ts';
import { LayerNorm } from './layerNorm.ts';
import { Linear } from './linear.ts';
import { inside, type Part } from './part.ts';

/** What an `Attention` is built from. */
export interface AttentionConfig {
  dim: number;
  /** Divides `dim`. */
  numHeads: number;
  qkvBias?: boolean;
  /** True: queries and keys are layer-normalised over the head dimension before their product. */
  qkNorm?: boolean;
  normEps?: number;
  attnDrop?: number;
  projDrop?: number;
}

/**
 * Multi-head self-attention, [B, N, C] → [B, N, C].
 *
 * q, k, v = split(x·W_qkvᵀ + b); out = proj(concat_heads(softmax(q·kᵀ / √D)·v)), D = C / h.
 *
 * Without a capture, a query norm or attention dropout it runs as one op, which never holds the [B, h, N, N] probabilities.
 * Otherwise they are computed by plain ops; both ways agree to 1e-5 relative (float32). A capture gets the probabilities as
 * `<path>_probs` (`blocks.3.attn_probs`) before dropout, and when a gradient passes, the one with respect to them as `<path>_grad`.
 *
 * Source: Vaswani et al. 2017, section 3.2; parameter names and their order are timm's.
 */
export class Attention extends Module {
  readonly qkv: Linear;
  readonly qNorm: LayerNorm | undefined;
  readonly kNorm: LayerNorm | undefined;
  readonly proj: Linear;
  readonly numHeads: number;
  readonly headDim: number;
  private readonly attnDrop: number;
  private readonly projDrop: number;
  private readonly path: string;

  constructor(
    {
      dim,
      numHeads,
      qkvBias = true,
      qkNorm = false,
      normEps = 1e-6,
      attnDrop = 0,
      projDrop = 0,
    }: AttentionConfig,
    part: Part,
  ) {
    super();
    this.numHeads = numHeads;
    this.headDim = dim / numHeads;
    this.qkv = this.child(
      'qkv',
      new Linear({ inFeatures: dim, outFeatures: 3 * dim, bias: qkvBias }, inside(part, 'qkv')),
    );
    if (qkNorm) {
      const config = { dim: this.headDim, epsilon: normEps };
      this.qNorm = this.child('q_norm', new LayerNorm(config));
      this.kNorm = this.child('k_norm', new LayerNorm(config));
    }
    this.proj = this.child(
      'proj',
      new Linear({ inFeatures: dim, outFeatures: dim }, inside(part, 'proj')),
    );
    this.attnDrop = attnDrop;
    this.projDrop = projDrop;
    this.path = part.path;
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    return t.tidy(() => {
      const qkv = this.qkv.forward(x, context);
      const fused = this.qNorm === undefined && !this.needsProbabilities(context);
      const { numHeads, headDim } = this;
      const { precision } = context;
      const mixed = fused
        ? qkvAttention(qkv, { numHeads, scale: headDim ** -0.5, precision })
        : this.mix(qkv, context);
      const out = this.proj.forward(mixed, context);
      return dropout(out, this.projDrop, `${this.path}.proj_drop`, context);
    });
  }

  /** Whether something looks at or changes what is between the products, so that the small ops have to run. */
  isWatched(context: ForwardContext): boolean {
    const drops = context.training === true && this.projDrop > 0;
    return drops || this.qNorm !== undefined || this.needsProbabilities(context);
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

  private needsProbabilities({ capture, training }: ForwardContext): boolean {
    if (training === true && this.attnDrop > 0) return true;
    if (capture === undefined) return false;
    return capture.wants(`${this.path}_probs`) || capture.wants(`${this.path}_grad`);
  }

  // The same as qkvAttention, with room for the norms and for what looks at the probabilities.
  private mix(qkv: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
    const [q, k, v] = splitHeads(qkv, this.numHeads);
    const { out } = scaledDotProductAttention(
      this.qNorm?.forward(q) ?? q,
      this.kNorm?.forward(k) ?? k,
      v,
      {
        scale: this.headDim ** -0.5,
        precision: context.precision,
        ...(this.needsProbabilities(context) && {
          mapProbabilities: (probabilities) => this.watch(probabilities, context),
        }),
      },
    );
    return mergeHeads(out);
  }

  private watch(probabilities: tf.Tensor4D, context: ForwardContext): tf.Tensor4D {
    const { capture } = context;
    capture?.offer(`${this.path}_probs`, probabilities);
    const watched =
      capture?.wants(`${this.path}_grad`) === true
        ? recordGradient(probabilities, (dOut) => capture.offer(`${this.path}_grad`, dOut))
        : probabilities;
    return dropout(watched, this.attnDrop, `${this.path}.attn_drop`, context);
  }
}
