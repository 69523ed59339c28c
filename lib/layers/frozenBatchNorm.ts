// Batch normalisation whose statistics, gain and offset never change.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import { BatchNorm } from './batchNorm.ts';
import { assertScope, type PathScope } from './initScope.ts';

/** The configuration of a `FrozenBatchNorm`. */
export interface FrozenBatchNormConfig {
  /** C, the size of the last axis. */
  dim: number;
  /** Added to the variance; default 1e-5. */
  epsilon?: number;
}

/**
 * Scales and shifts each channel by stored numbers, while training too: [..., C] → [..., C].
 *
 * y = (x − running_mean)·weight/√(running_var + epsilon) + bias. All four, [C] each, are buffers: no optimizer changes them, and a forward
 * pass does not either. A detector that is trained with few images at a time keeps the statistics of its backbone so.
 *
 * Source: torchvision/ops/misc.py, `FrozenBatchNorm2d`.
 */
export class FrozenBatchNorm extends Module {
  readonly weight: tf.Variable;
  readonly bias: tf.Variable;
  readonly runningMean: tf.Variable;
  readonly runningVar: tf.Variable;
  readonly epsilon: number;
  readonly path: string;

  constructor(config: FrozenBatchNormConfig, scope: PathScope = { path: '' }) {
    super();
    assertFields('FrozenBatchNorm', config, { dim: 'count', epsilon: 'number?' });
    assertScope(scope);
    const { dim, epsilon = 1e-5 } = config;
    this.path = scope.path;
    this.weight = this.buffer('weight', t.ones([dim]));
    this.bias = this.buffer('bias', t.zeros([dim]));
    this.runningMean = this.buffer('running_mean', t.zeros([dim]));
    this.runningVar = this.buffer('running_var', t.ones([dim]));
    this.epsilon = epsilon;
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const gain = t.div(this.weight, t.sqrt(t.add(this.runningVar, this.epsilon)));
        const offset = t.sub(this.bias, t.mul(this.runningMean, gain));
        return t.add<T>(t.mul(given, gain), offset);
      }),
    );
  }
}

/** A norm over channels, trained or frozen. */
export type ChannelNorm = BatchNorm | FrozenBatchNorm;

/** The norm of a convolution's result: a `BatchNorm`, or a `FrozenBatchNorm` if asked for. */
export function channelNorm(dim: number, frozen: boolean, scope: PathScope): ChannelNorm {
  return frozen ? new FrozenBatchNorm({ dim }, scope) : new BatchNorm({ dim }, scope);
}
