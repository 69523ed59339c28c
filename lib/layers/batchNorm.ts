// Batch normalisation with running statistics.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { batchNorm } from '../ops/batchNorm.ts';
import type { ForwardContext } from '../core/context.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module, type Parameter } from '../core/module.ts';
import { assertScope, type PathScope } from './initScope.ts';

/** The configuration of a `BatchNorm`. */
export interface BatchNormConfig {
  /** C, the size of the last axis. */
  dim: number;
  /** Added to the variance; default 1e-5. */
  epsilon?: number;
  /** Share of a batch's statistics in the new running ones; default 0.1. */
  momentum?: number;
}

/**
 * Normalises each channel over batch and space, then scales and shifts it: [..., C] → [..., C].
 *
 * While training it takes the statistics of the batch and moves the running ones, with the unbiased variance:
 * running ← (1 − momentum)·running + momentum·batch. Otherwise it takes the running ones. Every forward pass with `training: true` moves
 * them once, each batch of an update that has several too, in their order; freezing the parameters does not stop it. `train` puts
 * them back where an update fails.
 *
 * Parameters `weight` [C], ones at first, and `bias` [C], zeros; buffers `running_mean` [C], zeros, `running_var` [C], ones, and
 * `num_batches_tracked` [], as torch.nn.BatchNorm2d has them. Where torch refuses a channel of one element while training, it gives
 * `bias`.
 *
 * Source: Ioffe & Szegedy 2015.
 */
export class BatchNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly runningMean: tf.Variable;
  readonly runningVar: tf.Variable;
  readonly numBatchesTracked: tf.Variable;
  readonly epsilon: number;
  readonly momentum: number;
  readonly path: string;

  constructor(config: BatchNormConfig, scope: PathScope = { path: '' }) {
    super();
    assertFields('BatchNorm', config, { dim: 'count', epsilon: 'number?', momentum: 'rate?' });
    assertScope(scope);
    const { dim, epsilon = 1e-5, momentum = 0.1 } = config;
    this.path = scope.path;
    this.weight = this.parameter('weight', t.ones([dim]));
    this.bias = this.parameter('bias', t.zeros([dim]));
    this.runningMean = this.buffer('running_mean', t.zeros([dim]));
    this.runningVar = this.buffer('running_var', t.ones([dim]));
    this.numBatchesTracked = this.buffer('num_batches_tracked', t.zeros([], 'int32'));
    this.epsilon = epsilon;
    this.momentum = momentum;
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    return moduleStep(this, x, context, (given) =>
      context.training === true ? this.train(given) : this.evaluate(given),
    );
  }

  private train<T extends tf.Tensor>(x: T): T {
    const { epsilon } = this;
    const { y, mean, variance } = batchNorm(x, this.gamma, this.beta, { epsilon });
    const count = x.size / this.weight.size;
    t.tidy(() => {
      move(this.runningMean, mean, this.momentum);
      move(this.runningVar, t.mul(variance, count / Math.max(1, count - 1)), this.momentum);
      this.numBatchesTracked.assign(t.add(this.numBatchesTracked, t.scalar(1, 'int32')));
    });
    return y;
  }

  private evaluate<T extends tf.Tensor>(x: T): T {
    const [mean, variance] = [this.runningMean, this.runningVar] as tf.Tensor[] as tf.Tensor1D[];
    const flat = t.reshape<tf.Rank.R2>(x, [-1, this.weight.size]);
    const y = t.batchNorm(flat, mean!, variance!, this.beta, this.gamma, this.epsilon);
    return t.reshape(y, x.shape) as T;
  }

  private get gamma(): tf.Tensor1D {
    return this.weight as tf.Tensor as tf.Tensor1D;
  }

  private get beta(): tf.Tensor1D {
    return this.bias as tf.Tensor as tf.Tensor1D;
  }
}

// running ← (1 − momentum)·running + momentum·batch
function move(running: tf.Variable, batch: tf.Tensor, momentum: number): void {
  running.assign(t.add(t.mul(running, 1 - momentum), t.mul(batch, momentum)));
}
