// Root-mean-square normalisation with its gain.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { rmsNorm } from '../ops/rmsNorm.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module, type Parameter } from '../core/module.ts';
import { assertScope, type PathScope } from './initScope.ts';
import type { LayerNormConfig } from './layerNorm.ts';

/**
 * Divides the last axis by its root mean square, then scales it: [..., C] → [..., C].
 *
 * Parameter `weight` [C], ones at first, as timm's RmsNorm has it; there is no offset.
 */
export class RmsNorm extends Module {
  readonly weight: Parameter;
  readonly epsilon: number;
  readonly path: string;

  constructor(config: LayerNormConfig, scope: PathScope = { path: '' }) {
    super();
    assertFields('RmsNorm', config, { dim: 'count', epsilon: 'number?' });
    assertScope(scope);
    const { dim, epsilon = 1e-6 } = config;
    this.path = scope.path;
    this.weight = this.parameter('weight', t.ones([dim]));
    this.epsilon = epsilon;
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    const { weight, epsilon } = this;
    return moduleStep(this, x, context, (given) =>
      rmsNorm(given, weight as tf.Tensor1D, { epsilon }),
    );
  }
}
