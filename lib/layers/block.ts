import type * as tf from '@tensorflow/tfjs';
import { prepareAttentionBranch } from '../ops/attentionBranch.ts';
import { runBranch, type Branch } from '../ops/branch.ts';
import { prepareMlpBranch } from '../ops/mlpBranch.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import type { BranchInputs, GeluForm } from '../core/kernels.ts';
import type { Precision } from '../core/precision.ts';
import { Module } from '../core/module.ts';
import { Attention } from './attention.ts';
import { dropPath, dropPathGain } from './drop.ts';
import { LayerNorm } from './layerNorm.ts';
import { LayerScale } from './layerScale.ts';
import { Mlp } from './mlp.ts';
import { inside, type Part } from './part.ts';

/** What a `Block` is built from. */
export interface BlockConfig {
  dim: number;
  numHeads: number;
  mlpHiddenDim: number;
  qkvBias?: boolean;
  qkNorm?: boolean;
  normEps?: number;
  activation?: GeluForm;
  /** First value of both layer scales; null: none. */
  layerScaleInit?: number | null;
  projDrop?: number;
  attnDrop?: number;
  dropPath?: number;
}

// The branches of a pass that draws nothing: the next one of the same shape runs them again. To check and describe them anew costs a
// small model a twentieth of its time.
interface Prepared {
  shape: string;
  precision: Precision | undefined;
  pair: readonly [Branch, Branch];
}

/**
 * One encoder block with the norms before its branches, [B, N, C] → [B, N, C].
 *
 * x ← x + drop(γ₁·attention(norm₁(x))), then x ← x + drop(γ₂·mlp(norm₂(x))).
 *
 * A capture gets its result as `<path>.output`. Source: Dosovitskiy et al. 2021, eq. 2 and 3; names are timm's.
 */
export class Block extends Module {
  readonly norm1: LayerNorm;
  readonly attn: Attention;
  readonly ls1: LayerScale | undefined;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;
  readonly ls2: LayerScale | undefined;
  private readonly dropPath: number;
  private readonly path: string;
  private prepared: Prepared | undefined;

  constructor(config: BlockConfig, part: Part) {
    super();
    const { dim, normEps = 1e-6, layerScaleInit = null, projDrop = 0 } = config;
    const scaled = () =>
      layerScaleInit === null ? undefined : new LayerScale({ dim, initialValue: layerScaleInit });

    this.norm1 = this.child('norm1', new LayerNorm({ dim, epsilon: normEps }));
    this.attn = this.child('attn', new Attention(config, inside(part, 'attn')));
    this.ls1 = this.optionalChild('ls1', scaled());
    this.norm2 = this.child('norm2', new LayerNorm({ dim, epsilon: normEps }));
    this.mlp = this.child(
      'mlp',
      new Mlp(
        {
          dim,
          hiddenDim: config.mlpHiddenDim,
          activation: config.activation ?? 'erf',
          drop: projDrop,
        },
        inside(part, 'mlp'),
      ),
    );
    this.ls2 = this.optionalChild('ls2', scaled());
    this.dropPath = config.dropPath ?? 0;
    this.path = part.path;
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    return t.tidy(() => {
      const out = this.feed(this.attend(x, context), context);
      context.capture?.offer(this.outputName, out);
      return out;
    });
  }

  /**
   * The two branches for `runBranches` on an x [B, N, C], or undefined where something looks at the result or at what is between their
   * steps, or changes it.
   */
  branches(x: tf.Tensor3D, context: ForwardContext): readonly [Branch, Branch] | undefined {
    const { attn, mlp } = this;
    const watched = attn.isWatched(context) || mlp.drops(context);
    if (watched || context.capture?.wants(this.outputName) === true) return undefined;
    const draws = context.training === true && this.dropPath > 0;
    if (draws) return [this.attentionBranch(x, context), this.mlpBranch(x, context)];
    const shape = x.shape.join();
    const { precision } = context;
    if (this.prepared?.shape !== shape || this.prepared.precision !== precision) {
      const pair = [this.attentionBranch(x, context), this.mlpBranch(x, context)] as const;
      this.prepared = { shape, precision, pair };
    }
    return this.prepared.pair;
  }

  private get outputName(): string {
    return `${this.path}.output`;
  }

  // A branch is one op, unless something looks at or changes what is between its steps.
  private attend(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
    const { attn, norm1 } = this;
    if (attn.isWatched(context)) {
      return this.add(x, attn.forward(norm1.forward(x), context), this.ls1, 'drop_path1', context);
    }
    return runBranch(this.attentionBranch(x, context), x);
  }

  private attentionBranch(x: tf.Tensor3D, context: ForwardContext): Branch {
    const { attn, norm1 } = this;
    return prepareAttentionBranch(
      { ...this.outerInputs(x, norm1, this.ls1, 'drop_path1', context), ...attn.branchInputs() },
      { numHeads: attn.numHeads, epsilon: norm1.epsilon, precision: context.precision },
    );
  }

  private feed(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
    const { mlp, norm2 } = this;
    if (mlp.drops(context)) {
      return this.add(x, mlp.forward(norm2.forward(x), context), this.ls2, 'drop_path2', context);
    }
    return runBranch(this.mlpBranch(x, context), x);
  }

  private mlpBranch(x: tf.Tensor3D, context: ForwardContext): Branch {
    const { mlp, norm2 } = this;
    return prepareMlpBranch(
      { ...this.outerInputs(x, norm2, this.ls2, 'drop_path2', context), ...mlp.branchInputs() },
      { activation: mlp.activation, epsilon: norm2.epsilon, precision: context.precision },
    );
  }

  private add(
    x: tf.Tensor3D,
    inner: tf.Tensor3D,
    scale: LayerScale | undefined,
    dropName: string,
    context: ForwardContext,
  ): tf.Tensor3D {
    const scaled = scale?.forward(inner) ?? inner;
    return t.add(x, dropPath(scaled, this.dropPath, `${this.path}.${dropName}`, context));
  }

  private outerInputs(
    x: tf.Tensor3D,
    norm: LayerNorm,
    scale: LayerScale | undefined,
    dropName: string,
    context: ForwardContext,
  ): BranchInputs {
    const keep = dropPathGain(x.shape[0], this.dropPath, `${this.path}.${dropName}`, context);
    return {
      x,
      gamma: norm.weight as tf.Tensor1D,
      beta: norm.bias as tf.Tensor1D,
      ...(scale && { scale: scale.gamma as tf.Tensor1D }),
      ...(keep && { keep }),
    };
  }

  private optionalChild<M extends Module>(name: string, module: M | undefined): M | undefined {
    return module === undefined ? undefined : this.child(name, module);
  }
}
