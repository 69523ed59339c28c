// The encoder block of a Vision Transformer.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Branch } from '../ops/branch.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, namedTensor } from '../core/intercept.ts';
import type { ActivationForm } from '../ops/activation.ts';
import { Module } from '../core/module.ts';
import { Attention } from './attention.ts';
import { DropPath } from './drop.ts';
import { addStep, inTurn } from './encoderBlock.ts';
import { makeFeedForward, type FeedForward, type MlpKind } from './feedForward.ts';
import { FusedBlock, type BranchLayers } from './fusedBlock.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { LayerNorm } from './layerNorm.ts';
import { LayerScale } from './layerScale.ts';
import { Mlp, type MlpConfig } from './mlp.ts';
import { makeNorm, type Norm, type NormKind } from './norm.ts';

/** The configuration of a `Block`. */
export interface BlockConfig {
  dim: number;
  numHeads: number;
  mlpHiddenDim: number;
  qkvBias?: boolean;
  qkNorm?: boolean;
  /** False: neither the projection of attention nor the feed-forward layer has a bias; default true. */
  projBias?: boolean;
  /** True: a norm before the projection of attention. */
  scaleAttnNorm?: boolean;
  /** True: a norm before the last layer of the feed-forward part. */
  scaleMlpNorm?: boolean;
  /** The kind of all norms; default LayerNorm. */
  normLayer?: NormKind;
  /** The kind of the feed-forward part; default Mlp. */
  mlpLayer?: MlpKind;
  normEps?: number;
  activation?: ActivationForm;
  /** First value of both layer scales; null: none. */
  layerScaleInit?: number | null;
  projDrop?: number;
  attnDrop?: number;
  dropPath?: number;
}

/**
 * One encoder block with the norms before its branches, [B, N, C] → [B, N, C].
 *
 * y = x + dropPath1(ls1(attn(norm1(x)))), out = y + dropPath2(ls2(mlp(norm2(y)))).
 *
 * Each of the two is one op, unless an interceptor or a dropout has to get in between, or a part is another than layer norm and an MLP
 * with GELU. An interceptor knows the block as `<path>`,
 * its result also as `<path>.output`, and the two sums as `<path>.residual1` and `<path>.residual2`.
 *
 * Source: Dosovitskiy et al. 2021, eq. 2 and 3; names are timm's.
 */
export class Block extends Module {
  readonly norm1: Norm;
  readonly attn: Attention;
  readonly ls1: LayerScale | undefined;
  readonly dropPath1: DropPath;
  readonly norm2: Norm;
  readonly mlp: FeedForward;
  readonly ls2: LayerScale | undefined;
  readonly dropPath2: DropPath;
  readonly path: string;
  private readonly fused: FusedBlock | undefined;
  private readonly names: Readonly<Record<'sum1' | 'sum2' | 'output', string>>;

  constructor(config: BlockConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', numHeads: 'count', mlpHiddenDim: 'count' } as const;
    assertFields('Block', config, { ...kinds, normEps: 'number?', dropPath: 'rate?' });
    assertScope(scope);
    const { dim, normEps = 1e-6, layerScaleInit: initialValue = null } = config;
    const { normLayer = 'LayerNorm', mlpLayer = 'Mlp', scaleAttnNorm: scaleNorm = false } = config;
    const norm = (name: string) =>
      this.child(name, makeNorm(normLayer, { dim, epsilon: normEps }, inside(scope, name)));
    const layerScale = (name: string) =>
      initialValue === null
        ? undefined
        : this.child(name, new LayerScale({ dim, initialValue }, inside(scope, name)));
    const dropPath = (name: string) =>
      this.child(name, new DropPath(config.dropPath ?? 0, inside(scope, name)));

    this.path = scope.path;
    this.norm1 = norm('norm1');
    this.attn = this.child('attn', new Attention({ ...config, scaleNorm }, inside(scope, 'attn')));
    this.ls1 = layerScale('ls1');
    this.dropPath1 = dropPath('drop_path1');
    this.norm2 = norm('norm2');
    const mlp = mlpOf(config);
    this.mlp = this.child('mlp', makeFeedForward(mlpLayer, mlp, inside(scope, 'mlp')));
    this.ls2 = layerScale('ls2');
    this.dropPath2 = dropPath('drop_path2');
    const [sum1, sum2, output] = ['residual1', 'residual2', 'output'].map(
      (name) => inside(scope, name).path,
    ) as [string, string, string];
    this.names = { sum1, sum2, output };
    const attn = branchLayers(this.norm1, this.attn, [this.ls1, this.dropPath1], sum1);
    const isPlain = this.mlp instanceof Mlp && this.mlp.isPlain ? this.mlp : undefined;
    const feedForward = isPlain && branchLayers(this.norm2, isPlain, [this.ls2, this.dropPath2], sum2); // prettier-ignore
    if (attn && feedForward) this.fused = new FusedBlock(attn, feedForward, [this.path, output]);
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { fused, norm1, attn, ls1, dropPath1, norm2, mlp, ls2, dropPath2, names } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        // y = x + dropPath1(ls1(attn(norm1(x))))
        const y =
          fused?.attention(given, context) ??
          addStep(
            names.sum1,
            given,
            inTurn(given, [norm1, attn, ls1, dropPath1], context),
            context,
          );
        // out = y + dropPath2(ls2(mlp(norm2(y))))
        const out =
          fused?.feedForward(y, context) ??
          addStep(names.sum2, y, inTurn(y, [norm2, mlp, ls2, dropPath2], context), context);
        return namedTensor(names.output, out, context);
      }),
    );
  }

  /** Both branches as ops for `runBlocks`; undefined where something has to get between or into them. */
  branches(x: tf.Tensor3D, context: ForwardContext): readonly Branch[] | undefined {
    return this.fused?.branches(x, context);
  }
}

/** The feed-forward part of a block as its layer is configured. */
export function mlpOf(config: BlockConfig): MlpConfig {
  const { dim, mlpHiddenDim: hiddenDim, projDrop: drop = 0, projBias: bias = true } = config;
  const { activation = 'erf', normEps = 1e-6, normLayer = 'LayerNorm', scaleMlpNorm } = config;
  const norm = scaleMlpNorm === true ? normLayer : undefined;
  return { dim, hiddenDim, activation, drop, bias, norm, normEps };
}

// The layers of a branch that ops can join; undefined where its norm is another than layer norm.
function branchLayers<Inner>(
  norm: Norm,
  inner: Inner,
  [scale, dropPath]: [LayerScale | undefined, DropPath],
  sum: string,
): BranchLayers<Inner> | undefined {
  return norm instanceof LayerNorm ? { norm, inner, scale, dropPath, sum } : undefined;
}
