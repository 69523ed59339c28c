// The learned gain of a residual branch.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module, type Parameter } from '../core/module.ts';
import { assertScope, type PathScope } from './initScope.ts';

/**
 * A learned gain for each channel of a residual branch: y = γ·x, [..., C] → [..., C].
 *
 * Parameter `gamma` [C], every element the given initial value. Source: Touvron et al. 2021, "Going deeper with image
 * transformers", eq. 4.
 */
export class LayerScale extends Module {
  readonly gamma: Parameter;
  readonly path: string;

  constructor(config: { dim: number; initialValue: number }, scope: PathScope = { path: '' }) {
    super();
    assertFields('LayerScale', config, { dim: 'count', initialValue: 'number' });
    assertScope(scope);
    const { dim, initialValue } = config;
    this.path = scope.path;
    this.gamma = this.parameter('gamma', t.fill([dim], initialValue));
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    return moduleStep(this, x, context, (given) => t.mul(given, this.gamma));
  }
}
