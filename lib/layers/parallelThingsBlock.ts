// The encoder block with two attentions side by side, and then two feed-forward parts.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, namedTensor } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import { Attention } from './attention.ts';
import { mlpOf, type BlockConfig } from './block.ts';
import { DropPath } from './drop.ts';
import { addStep, inTurn, type TokenLayer } from './encoderBlock.ts';
import { makeFeedForward } from './feedForward.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { LayerScale } from './layerScale.ts';
import { makeNorm } from './norm.ts';
import { Sequence } from './sequence.ts';

const numParallel = 2;

/**
 * One encoder block with parallel branches, [B, N, C] → [B, N, C].
 *
 * y = x + Σ_i dropPath(ls(attn_i(norm(x)))), out = y + Σ_i dropPath(ls(mlp_i(norm(y)))), i = 0, 1.
 *
 * An interceptor finds attention as `<path>.attns.<i>.attn_probs`, two tensors a block, and the sums of parallel branches as
 * `<path>.attns.residual` and `<path>.ffns.residual`.
 *
 * Source: Touvron et al. 2022, "Three things everyone should know about Vision Transformers", section 3; names are timm's.
 */
export class ParallelThingsBlock extends Module {
  readonly attns: Sequence<ParallelBranch>;
  readonly ffns: Sequence<ParallelBranch>;
  readonly path: string;

  constructor(config: BlockConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', numHeads: 'count', mlpHiddenDim: 'count' } as const;
    assertFields('ParallelThingsBlock', config, {
      ...kinds,
      normEps: 'number?',
      dropPath: 'rate?',
    });
    assertScope(scope);
    this.path = scope.path;
    const { scaleAttnNorm: scaleNorm = false, mlpLayer = 'Mlp' } = config;
    const group = (name: string, inner: string, make: (scope: InitScope) => TokenLayer) => {
      const branches = Array.from({ length: numParallel }, (_, i) => {
        const own = inside(inside(scope, name), String(i));
        return new ParallelBranch(config, inner, make(inside(own, inner)), own);
      });
      return this.child(name, new Sequence(branches));
    };
    this.attns = group('attns', 'attn', (own) => new Attention({ ...config, scaleNorm }, own));
    this.ffns = group('ffns', 'mlp', (own) => makeFeedForward(mlpLayer, mlpOf(config), own));
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { path, attns, ffns } = this;
    const together = (name: string, { items }: Sequence<ParallelBranch>, given: tf.Tensor3D) =>
      items
        .map((branch) => branch.forward(given, context))
        .reduce((a, b) => addStep(`${path}.${name}.residual`, a, b, context));
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const mixed = together('attns', attns, given);
        const y = addStep(`${path}.residual1`, given, mixed, context);
        const out = addStep(`${path}.residual2`, y, together('ffns', ffns, y), context);
        return namedTensor(`${path}.output`, out, context);
      }),
    );
  }

  /** Undefined: its branches are not among those that `runBlocks` joins. */
  branches(): undefined {
    return undefined;
  }
}

/** One of the parallel branches: norm, attention or feed-forward layer, layer scale, drop path. */
export class ParallelBranch extends Module {
  private readonly layers: readonly (TokenLayer | undefined)[];

  constructor(config: BlockConfig, name: string, layer: TokenLayer, scope: InitScope) {
    super();
    const { dim, normEps: epsilon = 1e-6, normLayer = 'LayerNorm', layerScaleInit = null } = config;
    const norm = this.child('norm', makeNorm(normLayer, { dim, epsilon }, inside(scope, 'norm')));
    this.child(name, layer);
    const init = { dim, initialValue: layerScaleInit ?? 1 };
    const scale =
      layerScaleInit === null
        ? undefined
        : this.child('ls', new LayerScale(init, inside(scope, 'ls')));
    const drop = new DropPath(config.dropPath ?? 0, inside(scope, 'drop_path'));
    this.layers = [norm, layer, scale, this.child('drop_path', drop)];
  }

  forward(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
    return inTurn(x, this.layers, context);
  }
}
