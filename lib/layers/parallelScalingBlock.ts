// The encoder block whose attention and feed-forward part stand side by side behind one norm and one input layer.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { activate, type ActivationForm } from '../ops/activation.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, namedTensor, step } from '../core/intercept.ts';
import { Module, type Parameter } from '../core/module.ts';
import { attentionTensors } from './attend.ts';
import type { BlockConfig } from './block.ts';
import { DropPath, Dropout } from './drop.ts';
import { addBias, addStep, inTurn } from './encoderBlock.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { LayerScale } from './layerScale.ts';
import { Linear } from './linear.ts';
import { mixTokens, type MixOptions } from './mixTokens.ts';
import { makeNorm, type Norm } from './norm.ts';

/**
 * One encoder block with attention and feed-forward part in parallel, [B, N, C] → [B, N, C].
 *
 * [h, q, k, v] = in_proj(in_norm(x)); out = x + dropPath(ls(attn_out_proj(attention(q, k, v)) + mlp_out_proj(act(h + mlp_bias)))).
 *
 * `mlp_bias` is there where `in_proj` has none (`qkvBias` false). An interceptor knows the activation as `<path>.mlp_act`, the sum of both
 * parts as `<path>.residual1` and the last sum as `<path>.residual2`; tensors of attention are called as those of `Block`.
 *
 * Source: Dehghani et al. 2023, "Scaling Vision Transformers to 22 billion parameters", section 2; names are timm's.
 */
export class ParallelScalingBlock extends Module {
  readonly mlpBias: Parameter | undefined;
  readonly inNorm: Norm;
  readonly inProj: Linear;
  readonly mlpDrop: Dropout;
  readonly attnOutProj: Linear;
  readonly mlpOutProj: Linear;
  readonly ls: LayerScale | undefined;
  readonly dropPath: DropPath;
  readonly activation: ActivationForm;
  readonly hiddenDim: number;
  readonly path: string;
  private readonly mixing: MixOptions;

  constructor(config: BlockConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', numHeads: 'count', mlpHiddenDim: 'count' } as const;
    assertFields('ParallelScalingBlock', config, {
      ...kinds,
      normEps: 'number?',
      dropPath: 'rate?',
    });
    assertScope(scope);
    const { dim, numHeads, mlpHiddenDim, normEps: epsilon = 1e-6, qkvBias = true } = config;
    const { normLayer = 'LayerNorm', projBias = true, layerScaleInit = null } = config;
    const norm = (name: string, size: number) =>
      this.child(name, makeNorm(normLayer, { dim: size, epsilon }, inside(scope, name)));
    const dense = (name: string, inFeatures: number, outFeatures: number, bias: boolean) =>
      this.child(name, new Linear({ inFeatures, outFeatures, bias }, inside(scope, name)));
    const dropout = (name: string, rate = 0) =>
      this.child(name, new Dropout(rate, inside(scope, name)));
    const headDim = dim / numHeads;
    this.path = scope.path;
    this.hiddenDim = mlpHiddenDim;
    this.activation = config.activation ?? 'erf';
    if (!qkvBias) this.mlpBias = this.parameter('mlp_bias', t.zeros([mlpHiddenDim]));
    this.inNorm = norm('in_norm', dim);
    this.inProj = dense('in_proj', dim, mlpHiddenDim + 3 * dim, qkvBias);
    const isNormed = config.qkNorm === true;
    const [qNorm, kNorm] = isNormed ? [norm('q_norm', headDim), norm('k_norm', headDim)] : [];
    const attnDrop = dropout('attn_drop', config.attnDrop);
    this.mlpDrop = dropout('mlp_drop', config.projDrop);
    this.attnOutProj = dense('attn_out_proj', dim, dim, projBias);
    this.mlpOutProj = dense('mlp_out_proj', mlpHiddenDim, dim, projBias);
    if (layerScaleInit !== null) {
      const ls = new LayerScale({ dim, initialValue: layerScaleInit }, inside(scope, 'ls'));
      this.ls = this.child('ls', ls);
    }
    this.dropPath = this.child('drop_path', new DropPath(config.dropPath ?? 0, inside(scope, 'drop_path'))); // prettier-ignore
    const names = attentionTensors(inside(scope, 'attn').path);
    const attending = { names, scale: headDim ** -0.5, dropout: attnDrop };
    this.mixing = { numHeads, qNorm, kNorm, attending };
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const { path, inNorm, inProj, ls, dropPath } = this;
        const packed = inTurn(given, [inNorm, inProj], context);
        const both = addStep(`${path}.residual1`, ...this.parts(packed, context), context);
        const branch = inTurn(both, [ls, dropPath], context);
        const out = addStep(`${path}.residual2`, given, branch, context);
        return namedTensor(`${path}.output`, out, context);
      }),
    );
  }

  /** Undefined: its branches are not among those that `runBlocks` joins. */
  branches(): undefined {
    return undefined;
  }

  // [B, N, F + 3·C] → the results of attention and of the feed-forward part, [B, N, C] each.
  private parts(packed: tf.Tensor3D, context: ForwardContext): [tf.Tensor3D, tf.Tensor3D] {
    const { path, hiddenDim, mlpBias, mlpDrop, attnOutProj, mlpOutProj, activation } = this;
    const [batch, tokens, width] = packed.shape;
    const part = (from: number, size: number) =>
      t.slice(packed, [0, 0, from], [batch, tokens, size]);
    const mixed = mixTokens(part(hiddenDim, width - hiddenDim), this.mixing, context);
    const raw = part(0, hiddenDim);
    const sums = mlpBias === undefined ? raw : addBias(`${path}.mlp_bias`, raw, mlpBias, context);
    const act = step(`${path}.mlp_act`, [sums] as const, context, (given) =>
      activate(given, activation),
    );
    return [
      attnOutProj.forward(mixed, context),
      mlpOutProj.forward(mlpDrop.forward(act, context), context),
    ];
  }
}
