// Layer normalisation with its gain and offset.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { layerNorm } from '../ops/layerNorm.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module, type Parameter } from '../core/module.ts';
import { assertScope, type PathScope } from './initScope.ts';

/** The configuration of a `LayerNorm`. */
export interface LayerNormConfig {
  /** C, the size of the last axis. */
  dim: number;
  /** Added to the variance; timm's ViT has 1e-6, CLIP 1e-5, Hugging Face's ViT 1e-12. */
  epsilon?: number;
}

/**
 * Normalises the last axis to mean 0 and variance 1, then scales and shifts it: [..., C] → [..., C].
 *
 * Parameters `weight` [C], ones at first, and `bias` [C], zeros, as torch.nn.LayerNorm has them.
 */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly epsilon: number;
  readonly path: string;

  constructor(config: LayerNormConfig, scope: PathScope = { path: '' }) {
    super();
    assertFields('LayerNorm', config, { dim: 'count', epsilon: 'number?' });
    assertScope(scope);
    const { dim, epsilon = 1e-6 } = config;
    this.path = scope.path;
    this.weight = this.parameter('weight', t.ones([dim]));
    this.bias = this.parameter('bias', t.zeros([dim]));
    this.epsilon = epsilon;
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    const { weight, bias, epsilon } = this;
    return moduleStep(this, x, context, (given) =>
      layerNorm(given, weight as tf.Tensor1D, bias as tf.Tensor1D, { epsilon }),
    );
  }
}
