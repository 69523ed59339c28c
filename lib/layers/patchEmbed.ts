import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { linear } from '../ops/linear.ts';
import { patchify } from '../ops/patchify.ts';
import type { ForwardContext } from '../core/context.ts';
import { kaimingUniform, lecunNormal } from '../core/init.ts';
import type { Rng } from '../core/rng.ts';
import { Module, type Parameter } from '../core/module.ts';
import { initial, inside, type Part } from './part.ts';

/** What a `PatchEmbed` is built from. */
export interface PatchEmbedConfig {
  /** [height, width]. */
  patchSize: readonly [number, number];
  inChannels: number;
  embedDim: number;
  bias?: boolean;
}

/**
 * Cuts images into patches and projects each: [B, H, W, I] → [B, P, C], patches row by row.
 *
 * It is the convolution with stride = kernel that timm has, and carries its parameters: `proj.weight` [C, I, ph, pw] and
 * `proj.bias` [C], drawn as torch draws those of a convolution, uniform in ± 1/√(I·ph·pw), unless `part.weightInit` says 'jax'.
 */
export class PatchEmbed extends Module {
  readonly proj: PatchProjection;
  readonly patchSize: readonly [number, number];

  constructor(config: PatchEmbedConfig, part: Part) {
    super();
    this.patchSize = config.patchSize;
    this.proj = this.child('proj', new PatchProjection(config, inside(part, 'proj')));
  }

  forward(images: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor3D {
    const [patchHeight, patchWidth] = this.patchSize;
    return t.tidy(() => this.proj.forward(patchify(images, { patchHeight, patchWidth }), context));
  }
}

/** A convolution's weights applied to patches that lie flat: [B, P, I·ph·pw] → [B, P, C]. */
export class PatchProjection extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor({ patchSize, inChannels, embedDim, bias = true }: PatchEmbedConfig, part: Part) {
    super();
    const fanIn = inChannels * patchSize[0] * patchSize[1];
    const jax = part.weightInit === 'jax';
    const draw = (shape: readonly number[], rng: Rng) =>
      (jax ? lecunNormal : kaimingUniform)(shape, rng, fanIn);
    const shape = [embedDim, inChannels, ...patchSize];
    this.weight = this.parameter('weight', initial(part, 'weight', shape, draw));
    if (bias) {
      const first = jax ? t.zeros([embedDim]) : initial(part, 'bias', [embedDim], draw);
      this.bias = this.parameter('bias', first);
    }
  }

  forward(patches: tf.Tensor3D, { precision }: ForwardContext = {}): tf.Tensor3D {
    const [outFeatures] = this.weight.shape;
    const bias = this.bias as tf.Tensor1D | undefined;
    return t.tidy(() => {
      const flat = t.reshape<tf.Rank.R2>(this.weight, [outFeatures!, -1]);
      return linear(patches, flat, bias, { precision }) as tf.Tensor3D;
    });
  }
}
