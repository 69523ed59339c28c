import type * as tf from '@tensorflow/tfjs';

/** The update rules. */
export const optimizerNames = ['adamw', 'sgd'] as const;

/**
 * How the weights move.
 *
 * @property opt           default adamw; sgd has momentum and is Nesterov's unless `nesterov` is false
 * @property learningRate  rate of every group until `setRate`
 * @property weightDecay   decoupled (adamw) or added to the gradient (sgd); default 0.05; never on vectors, biases and tokens
 * @property betas         adamw: decay of the two moments; default [0.9, 0.999]
 * @property epsilon       adamw: added to √v̂; default 1e-8
 * @property momentum      sgd: default 0.9
 * @property layerDecay    each layer learns at this times the rate of the layer above; default: all alike
 */
export interface OptimizerConfig {
  opt?: (typeof optimizerNames)[number];
  learningRate: number;
  weightDecay?: number;
  betas?: readonly [number, number];
  epsilon?: number;
  momentum?: number;
  nesterov?: boolean;
  layerDecay?: number;
}

/** One parameter's part in an update. `state` has a tensor for each slot of the rule. */
export interface RuleInput {
  parameter: tf.Tensor;
  gradient: tf.Tensor;
  state: readonly tf.Tensor[];
  learningRate: number;
  weightDecay: number;
}

/**
 * An update as a pure function: step counts from 1; → new weights of all inputs, then each slot's new state of all inputs. With
 * `reuse` the old ones are given up, and the new may lie in their memory.
 *
 * @property slots  names of the state tensors, as torch calls them; they start at zero
 * @property norm   of all that `update` would return, where it costs less than making that; a rule may have none
 * @property inPlace  whether `reuse` gains anything on this backend; then weights and state should be in memory of its own
 */
export interface UpdateRule {
  readonly slots: readonly string[];
  update(inputs: readonly RuleInput[], step: number, options?: { reuse: boolean }): tf.Tensor[];
  norm?(inputs: readonly RuleInput[], step: number): tf.Scalar | undefined;
  inPlace?(): boolean;
}
