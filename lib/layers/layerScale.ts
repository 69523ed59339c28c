import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { Module, type Parameter } from '../core/module.ts';

/**
 * A learned gain for each channel of a residual branch: y = γ·x, [..., C] → [..., C].
 *
 * Parameter `gamma` [C], every element the given initial value. Source: Touvron et al. 2021, "Going deeper with image
 * transformers", eq. 4.
 */
export class LayerScale extends Module {
  readonly gamma: Parameter;

  constructor({ dim, initialValue }: { dim: number; initialValue: number }) {
    super();
    this.gamma = this.parameter('gamma', t.fill([dim], initialValue));
  }

  forward<T extends tf.Tensor>(x: T): T {
    return t.mul(x, this.gamma);
  }
}
