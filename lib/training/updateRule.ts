// The interface of an update rule: new weights and state from gradients, as a pure function.

import type * as tf from '@tensorflow/tfjs';

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
 * `reuse` the caller donates the old ones, and the new ones may lie in their memory.
 *
 * @property slots  names of the state tensors, as torch calls them; they start at zero
 * @property norm   the norm of the results of `update`, where it costs less than computing them; a rule may have none
 * @property inPlace  whether `reuse` gains anything on this backend; weights and state should then share their memory with nothing
 */
export interface UpdateRule {
  readonly slots: readonly string[];
  update(inputs: readonly RuleInput[], step: number, options?: { reuse: boolean }): tf.Tensor[];
  norm?(inputs: readonly RuleInput[], step: number): tf.Scalar | undefined;
  inPlace?(): boolean;
}
