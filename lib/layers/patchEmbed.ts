// The patch embedding: images to tokens.

import { assertFields, assertListOf } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { linear } from '../ops/linear.ts';
import { patchify } from '../ops/patchify.ts';
import type { ForwardContext } from '../core/context.ts';
import { kaimingUniform, lecunNormal } from '../core/init.ts';
import { moduleStep } from '../core/intercept.ts';
import type { Rng } from '../core/rng.ts';
import { Module, type Parameter } from '../core/module.ts';
import { assertScope, initial, inside, type InitScope } from './initScope.ts';
import { makeNorm, type Norm, type NormKind } from './norm.ts';

/** The configuration of a `PatchEmbed`. */
export interface PatchEmbedConfig {
  /** [height, width]. */
  patchSize: readonly [number, number];
  inChannels: number;
  embedDim: number;
  bias?: boolean;
  /** The kind of a norm after the projection; default: there is none. */
  norm?: NormKind | null | undefined;
  normEps?: number;
  /** False: the result keeps rows and columns, [B, h, w, C]; default true. */
  flatten?: boolean;
}

/**
 * Cuts images into patches and projects each: [B, H, W, I] → [B, P, C], patches row by row; [B, h, w, C] with `flatten: false`.
 *
 * A border that makes no whole patch is left out, as by a convolution. It is the convolution with stride = kernel that timm has, and carries its parameters: `proj.weight` [C, I, ph, pw] and
 * `proj.bias` [C], drawn as torch draws those of a convolution, uniform in ± 1/√(I·ph·pw), unless `scope.weightInit` says 'jax'.
 */
export class PatchEmbed extends Module {
  readonly proj: PatchProjection;
  readonly norm: Norm | undefined;
  readonly patchSize: readonly [number, number];
  readonly path: string;
  private readonly flatten: boolean;

  constructor(config: PatchEmbedConfig, scope: InitScope) {
    super();
    const kinds = { patchSize: 'list', inChannels: 'count', embedDim: 'count' } as const;
    assertFields('PatchEmbed', config, { ...kinds, bias: 'boolean?', flatten: 'boolean?' });
    assertListOf('patchSize', config.patchSize, 'count');
    assertScope(scope);
    this.path = scope.path;
    this.patchSize = config.patchSize;
    this.flatten = config.flatten ?? true;
    this.proj = this.child('proj', new PatchProjection(config, inside(scope, 'proj')));
    const { norm, embedDim: dim, normEps: epsilon = 1e-6 } = config;
    if (norm != null) {
      this.norm = this.child('norm', makeNorm(norm, { dim, epsilon }, inside(scope, 'norm')));
    }
  }

  forward(images: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor3D | tf.Tensor4D {
    return moduleStep(this, images, context, (given) => t.tidy(() => this.embed(given, context)));
  }

  private embed(images: tf.Tensor4D, context: ForwardContext): tf.Tensor3D | tf.Tensor4D {
    const [patchHeight, patchWidth] = this.patchSize;
    const patches = patchify(wholePatches(images, this.patchSize), { patchHeight, patchWidth });
    const projected = this.proj.forward(patches, context);
    const tokens = this.norm?.forward(projected, context) ?? projected;
    if (this.flatten) return tokens;
    const [batch, height, width] = images.shape;
    const [, , dim] = tokens.shape;
    const grid = [Math.floor(height / patchHeight), Math.floor(width / patchWidth)] as const;
    return t.reshape<tf.Rank.R4>(tokens, [batch, ...grid, dim]);
  }
}

// A convolution with stride = kernel leaves out the border that makes no whole patch, below and on the right.
function wholePatches(
  images: tf.Tensor4D,
  [patchHeight, patchWidth]: readonly [number, number],
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape;
  const [rest, other] = [height % patchHeight, width % patchWidth];
  const isWhole = rest === 0 && other === 0;
  // Images smaller than a patch are refused below.
  if (isWhole || height < patchHeight || width < patchWidth) return images;
  return t.slice(images, [0, 0, 0, 0], [batch, height - rest, width - other, channels]);
}

/** A convolution's weights applied to patches that lie flat: [B, P, I·ph·pw] → [B, P, C]. */
export class PatchProjection extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly path: string;

  constructor(
    { patchSize, inChannels, embedDim, bias = true }: PatchEmbedConfig,
    scope: InitScope,
  ) {
    super();
    this.path = scope.path;
    const fanIn = inChannels * patchSize[0] * patchSize[1];
    const jax = scope.weightInit === 'jax';
    const draw = (shape: readonly number[], rng: Rng) =>
      (jax ? lecunNormal : kaimingUniform)(shape, rng, fanIn);
    const shape = [embedDim, inChannels, ...patchSize];
    this.weight = this.parameter('weight', initial(scope, 'weight', shape, draw));
    if (bias) {
      const first = jax ? t.zeros([embedDim]) : initial(scope, 'bias', [embedDim], draw);
      this.bias = this.parameter('bias', first);
    }
  }

  forward(patches: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    const { precision } = context;
    const [outFeatures] = this.weight.shape;
    const bias = this.bias as tf.Tensor1D | undefined;
    return moduleStep(this, patches, context, (given) =>
      t.tidy(() => {
        const flat = t.reshape<tf.Rank.R2>(this.weight, [outFeatures!, -1]);
        return linear(given, flat, bias, { precision }) as tf.Tensor3D;
      }),
    );
  }
}
