// The encoder block of a Vision Transformer.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Branch } from '../ops/branch.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep, namedTensor, step } from '../core/intercept.ts';
import type { GeluForm } from '../core/kernels.ts';
import { Module } from '../core/module.ts';
import { Attention } from './attention.ts';
import { DropPath } from './drop.ts';
import { FusedBlock } from './fusedBlock.ts';
import { assertScope, inside, type InitScope } from './initScope.ts';
import { LayerNorm } from './layerNorm.ts';
import { LayerScale } from './layerScale.ts';
import { Mlp } from './mlp.ts';

/** The configuration of a `Block`. */
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

/**
 * One encoder block with the norms before its branches, [B, N, C] → [B, N, C].
 *
 * y = x + dropPath1(ls1(attn(norm1(x)))), out = y + dropPath2(ls2(mlp(norm2(y)))).
 *
 * Each of the two is one op, unless an interceptor or a dropout has to get in between. An interceptor knows the block as `<path>`,
 * its result also as `<path>.output`, and the two sums as `<path>.residual1` and `<path>.residual2`.
 *
 * Source: Dosovitskiy et al. 2021, eq. 2 and 3; names are timm's.
 */
export class Block extends Module {
  readonly norm1: LayerNorm;
  readonly attn: Attention;
  readonly ls1: LayerScale | undefined;
  readonly dropPath1: DropPath;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;
  readonly ls2: LayerScale | undefined;
  readonly dropPath2: DropPath;
  readonly path: string;
  private readonly fused: FusedBlock;
  private readonly names: Readonly<Record<'sum1' | 'sum2' | 'output', string>>;

  constructor(config: BlockConfig, scope: InitScope) {
    super();
    const kinds = { dim: 'count', numHeads: 'count', mlpHiddenDim: 'count' } as const;
    assertFields('Block', config, { ...kinds, normEps: 'number?', dropPath: 'rate?' });
    assertScope(scope);
    const { dim, normEps = 1e-6, layerScaleInit: initialValue = null, projDrop = 0 } = config;
    const norm = (name: string) =>
      this.child(name, new LayerNorm({ dim, epsilon: normEps }, inside(scope, name)));
    const layerScale = (name: string) =>
      initialValue === null
        ? undefined
        : this.child(name, new LayerScale({ dim, initialValue }, inside(scope, name)));
    const dropPath = (name: string) =>
      this.child(name, new DropPath(config.dropPath ?? 0, inside(scope, name)));
    const { mlpHiddenDim: hiddenDim, activation = 'erf' } = config;
    const mlp = { dim, hiddenDim, activation, drop: projDrop };

    this.path = scope.path;
    this.norm1 = norm('norm1');
    this.attn = this.child('attn', new Attention(config, inside(scope, 'attn')));
    this.ls1 = layerScale('ls1');
    this.dropPath1 = dropPath('drop_path1');
    this.norm2 = norm('norm2');
    this.mlp = this.child('mlp', new Mlp(mlp, inside(scope, 'mlp')));
    this.ls2 = layerScale('ls2');
    this.dropPath2 = dropPath('drop_path2');
    const [sum1, sum2, output] = ['residual1', 'residual2', 'output'].map(
      (name) => inside(scope, name).path,
    ) as [string, string, string];
    this.names = { sum1, sum2, output };
    this.fused = new FusedBlock(
      { norm: this.norm1, inner: this.attn, scale: this.ls1, dropPath: this.dropPath1, sum: sum1 },
      { norm: this.norm2, inner: this.mlp, scale: this.ls2, dropPath: this.dropPath2, sum: sum2 },
      [this.path, output],
    );
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { fused, norm1, attn, ls1, dropPath1, norm2, mlp, ls2, dropPath2, names } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        // y = x + dropPath1(ls1(attn(norm1(x))))
        const y =
          fused.attention(given, context) ??
          add(names.sum1, given, inTurn(given, [norm1, attn, ls1, dropPath1], context), context);
        // out = y + dropPath2(ls2(mlp(norm2(y))))
        const out =
          fused.feedForward(y, context) ??
          add(names.sum2, y, inTurn(y, [norm2, mlp, ls2, dropPath2], context), context);
        return namedTensor(names.output, out, context);
      }),
    );
  }

  /** Both branches as ops for `runBlocks`; undefined where something has to get between or into them. */
  branches(x: tf.Tensor3D, context: ForwardContext): readonly Branch[] | undefined {
    return this.fused.branches(x, context);
  }
}

function add(path: string, a: tf.Tensor3D, b: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
  return step(path, [a, b] as const, context, (x, y) => t.add<tf.Tensor3D>(x, y));
}

type Layer = Module & { forward(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D };

function inTurn(
  x: tf.Tensor3D,
  layers: readonly (Layer | undefined)[],
  context: ForwardContext,
): tf.Tensor3D {
  return layers.reduce((y, layer) => layer?.forward(y, context) ?? y, x);
}
