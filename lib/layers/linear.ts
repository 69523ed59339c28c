import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { linear } from '../ops/linear.ts';
import type { GeluForm } from '../core/kernels.ts';
import { truncNormal } from '../core/init.ts';
import { Module, type Parameter } from '../core/module.ts';
import { initial, type Part } from './part.ts';

/** What a `Linear` is built from. */
export interface LinearConfig {
  inFeatures: number;
  outFeatures: number;
  bias?: boolean;
}

/**
 * y = x·Wᵀ + b on the last axis, [..., I] → [..., O], with the activation of the next layer taken in where one is named.
 *
 * Parameters `weight` [O, I] and `bias` [O] as torch.nn.Linear has them. They start as timm's ViT: a cut normal of standard
 * deviation 0.02, and zero.
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor({ inFeatures, outFeatures, bias = true }: LinearConfig, part: Part) {
    super();
    const weight = initial(part, 'weight', [outFeatures, inFeatures], (s, r) => truncNormal(s, r));
    this.weight = this.parameter('weight', weight);
    if (bias) this.bias = this.parameter('bias', t.zeros([outFeatures]));
  }

  forward<T extends tf.Tensor>(x: T, activation: 'none' | GeluForm = 'none'): T {
    const { weight, bias } = this;
    return linear(x, weight as tf.Tensor2D, bias as tf.Tensor1D | undefined, { activation }) as T;
  }
}
