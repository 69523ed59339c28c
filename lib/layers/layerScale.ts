// The learned gain of a residual branch.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module, type Parameter } from '../core/module.ts';
import type { PathScope } from './initScope.ts';

/**
 * A learned gain for each channel of a residual branch: y = γ·x, [..., C] → [..., C].
 *
 * Parameter `gamma` [C], every element the given initial value. Source: Touvron et al. 2021, "Going deeper with image
 * transformers", eq. 4.
 */
export class LayerScale extends Module {
  readonly gamma: Parameter;
  readonly path: string;

  constructor(
    { dim, initialValue }: { dim: number; initialValue: number },
    { path }: PathScope = { path: '' },
  ) {
    super();
    this.path = path;
    this.gamma = this.parameter('gamma', t.fill([dim], initialValue));
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    return moduleStep(this, x, context, (given) => t.mul(given, this.gamma));
  }
}
