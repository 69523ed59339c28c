// The interface of an update rule: new weights and state from gradients, as a pure function.

import type * as tf from '@tensorflow/tfjs';

/** One parameter's part in an update. `state` has a tensor for each slot of the parameter. */
export interface RuleInput {
  name: string;
  parameter: tf.Tensor;
  gradient: tf.Tensor;
  state: readonly tf.Tensor[];
  learningRate: number;
  weightDecay: number;
}

/**
 * An update as a pure function: step counts from 1; → for each input its new weight, then the new state of each of its slots. With
 * `reuse` the caller donates the old ones, and the new ones may lie in their memory.
 *
 * @property slots  names of a parameter's state tensors, as torch calls them; they start at zero. A rule may treat parameters
 *                  differently by their name and shape
 * @property norm   the norm of the results of `update`, where it costs less than computing them; a rule may have none
 * @property inPlace  whether `reuse` gains anything on this backend; weights and state should then share their memory with nothing
 */
export interface UpdateRule {
  slots(name: string, shape: readonly number[]): readonly string[];
  update(inputs: readonly RuleInput[], step: number, options?: { reuse: boolean }): tf.Tensor[][];
  norm?(inputs: readonly RuleInput[], step: number): tf.Scalar | undefined;
  inPlace?(): boolean;
}
