// The residual branches of a block as one op each, where nothing has to get in between their layers.

import type * as tf from '@tensorflow/tfjs';
import { prepareAttentionBranch } from '../ops/attentionBranch.ts';
import { runBranch, type Branch } from '../ops/branch.ts';
import { BranchCache } from '../ops/branchCache.ts';
import { prepareMlpBranch } from '../ops/mlpBranch.ts';
import type { ForwardContext } from '../core/context.ts';
import { wantsAny } from '../core/intercept.ts';
import type { BranchInputs, GeluForm } from '../core/kernels.ts';
import type { Attention } from './attention.ts';
import type { DropPath } from './drop.ts';
import type { LayerNorm } from './layerNorm.ts';
import type { LayerScale } from './layerScale.ts';
import type { Mlp } from './mlp.ts';

/** The layers of one residual branch that ops can join, x + dropPath(scale(inner(norm(x)))). */
export interface BranchLayers<Inner> {
  norm: LayerNorm;
  inner: Inner;
  scale: LayerScale | undefined;
  dropPath: DropPath;
  /** The path of the sum as a step. */
  sum: string;
}

/** The layers of a block in the terms of the fused ops; weights stay the layers'. The MLP has a form of GELU and no norm inside. */
export class FusedBlock {
  private readonly attn: BranchLayers<Attention>;
  private readonly mlp: BranchLayers<Mlp>;
  private readonly attnSteps: readonly string[];
  private readonly mlpSteps: readonly string[];
  private readonly whole: readonly string[];
  private readonly cache = new BranchCache<readonly [Branch, Branch]>();

  /** @param names  of the steps that are the block as a whole */
  constructor(attn: BranchLayers<Attention>, mlp: BranchLayers<Mlp>, names: readonly string[]) {
    this.attn = attn;
    this.mlp = mlp;
    this.attnSteps = stepsOf(attn);
    this.mlpSteps = stepsOf(mlp);
    this.whole = names;
  }

  /** The attention branch as one op; undefined where an interceptor or a dropout has to get in between. */
  attention(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D | undefined {
    const { inner, dropPath } = this.attn;
    if (!inner.isFusible(context) || wantsAny(context, this.attnSteps)) return undefined;
    const drops = dropPath.acts(context);
    return runBranch(drops ? this.attentionBranch(x, context) : this.known(x, context)[0], x);
  }

  /** The MLP branch as one op; undefined where an interceptor or a dropout has to get in between. */
  feedForward(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D | undefined {
    const { inner, dropPath } = this.mlp;
    if (!inner.isFusible(context) || wantsAny(context, this.mlpSteps)) return undefined;
    const drops = dropPath.acts(context);
    return runBranch(drops ? this.mlpBranch(x, context) : this.known(x, context)[1], x);
  }

  /** Both branches for `runBranches` on an x [B, N, C]; undefined where something has to get between or into them. */
  branches(x: tf.Tensor3D, context: ForwardContext): readonly [Branch, Branch] | undefined {
    const { attn, mlp } = this;
    if (!attn.inner.isFusible(context) || !mlp.inner.isFusible(context)) return undefined;
    const steps = [this.whole, this.attnSteps, this.mlpSteps];
    if (context.intercept !== undefined && steps.some((paths) => wantsAny(context, paths)))
      return undefined;
    const drops = attn.dropPath.acts(context) || mlp.dropPath.acts(context);
    return drops ? this.prepare(x, context) : this.known(x, context);
  }

  private known(x: tf.Tensor3D, context: ForwardContext): readonly [Branch, Branch] {
    return this.cache.get(x, context.precision, () => this.prepare(x, context));
  }

  private prepare(x: tf.Tensor3D, context: ForwardContext): readonly [Branch, Branch] {
    return [this.attentionBranch(x, context), this.mlpBranch(x, context)];
  }

  private attentionBranch(x: tf.Tensor3D, context: ForwardContext): Branch {
    const { inner, norm } = this.attn;
    return prepareAttentionBranch(
      { ...outerInputs(x, this.attn, context), ...inner.branchInputs() },
      { numHeads: inner.numHeads, epsilon: norm.epsilon, precision: context.precision },
    );
  }

  private mlpBranch(x: tf.Tensor3D, context: ForwardContext): Branch {
    const { inner, norm } = this.mlp;
    return prepareMlpBranch(
      { ...outerInputs(x, this.mlp, context), ...inner.branchInputs() },
      {
        activation: inner.activation as GeluForm,
        epsilon: norm.epsilon,
        precision: context.precision,
      },
    );
  }
}

function outerInputs(
  x: tf.Tensor3D,
  { norm, scale, dropPath }: BranchLayers<unknown>,
  context: ForwardContext,
): BranchInputs {
  const keep = dropPath.gain(x.shape[0], context);
  return {
    x,
    gamma: norm.weight as tf.Tensor1D,
    beta: norm.bias as tf.Tensor1D,
    ...(scale && { scale: scale.gamma as tf.Tensor1D }),
    ...(keep && { keep }),
  };
}

function stepsOf(layers: BranchLayers<Attention | Mlp>): string[] {
  const { norm, inner, scale, dropPath, sum } = layers;
  const outer = [norm, scale, dropPath].flatMap((layer) => (layer ? [layer.path] : []));
  return [...outer, ...inner.steps, sum];
}
