// The encoder block with the norms after its branches.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, namedTensor } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import { Attention } from './attention.ts';
import { mlpOf, type BlockConfig } from './block.ts';
import { DropPath } from './drop.ts';
import { addStep, inTurn } from './encoderBlock.ts';
import { makeFeedForward, type FeedForward } from './feedForward.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { makeNorm, type Norm } from './norm.ts';

/**
 * One encoder block with the norms after its branches, [B, N, C] → [B, N, C].
 *
 * y = x + dropPath1(norm1(attn(x))), out = y + dropPath2(norm2(mlp(y))).
 *
 * It has no layer scales: `layerScaleInit`, where it is given, is the first value of the gains of both norms. Its steps are called as
 * those of `Block`.
 *
 * Source: Liu et al. 2022, "Swin Transformer V2", section 3.1; names are those of timm's ResPostBlock.
 */
export class ResPostBlock extends Module {
  readonly attn: Attention;
  readonly norm1: Norm;
  readonly dropPath1: DropPath;
  readonly mlp: FeedForward;
  readonly norm2: Norm;
  readonly dropPath2: DropPath;
  readonly path: string;

  constructor(config: BlockConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', numHeads: 'count', mlpHiddenDim: 'count' } as const;
    assertFields('ResPostBlock', config, { ...kinds, normEps: 'number?', dropPath: 'rate?' });
    assertScope(scope);
    const { dim, normEps: epsilon = 1e-6, normLayer = 'LayerNorm', mlpLayer = 'Mlp' } = config;
    const { scaleAttnNorm: scaleNorm = false, layerScaleInit = null } = config;
    const norm = (name: string) => {
      const made = this.child(name, makeNorm(normLayer, { dim, epsilon }, inside(scope, name)));
      if (layerScaleInit !== null) t.tidy(() => made.weight.assign(t.fill([dim], layerScaleInit)));
      return made;
    };
    const dropPath = (name: string) =>
      this.child(name, new DropPath(config.dropPath ?? 0, inside(scope, name)));
    this.path = scope.path;
    this.attn = this.child('attn', new Attention({ ...config, scaleNorm }, inside(scope, 'attn')));
    this.norm1 = norm('norm1');
    this.dropPath1 = dropPath('drop_path1');
    this.mlp = this.child('mlp', makeFeedForward(mlpLayer, mlpOf(config), inside(scope, 'mlp')));
    this.norm2 = norm('norm2');
    this.dropPath2 = dropPath('drop_path2');
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { attn, norm1, dropPath1, mlp, norm2, dropPath2, path } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const mixed = inTurn(given, [attn, norm1, dropPath1], context);
        const y = addStep(`${path}.residual1`, given, mixed, context);
        const fed = inTurn(y, [mlp, norm2, dropPath2], context);
        const out = addStep(`${path}.residual2`, y, fed, context);
        return namedTensor(`${path}.output`, out, context);
      }),
    );
  }

  /** Undefined: its branches are not among those that `runBlocks` joins. */
  branches(): undefined {
    return undefined;
  }
}
