// The interface through which processes that train one model sum their gradients.

import type * as tf from '@tensorflow/tfjs';

/**
 * A group of processes that train one model, each on its share of every update's images.
 *
 * @property rank  number of this process, 0 … size − 1
 * @property size  number of processes
 */
export interface Communicator {
  readonly rank: number;
  readonly size: number;
  /**
   * The sum of every gradient over all processes, the same bits on each. It takes ownership of the tensors: the caller frees the
   * returned ones, and no longer those that it passed.
   *
   * `train` passes the gradients of the mean over this process's own images, and uses the sum as it is: a group whose loss is the
   * mean over all images weighs each process by its share of them.
   *
   * @param gradients  by parameter name, the same names and shapes on all processes
   */
  sum(gradients: Map<string, tf.Tensor>): Promise<Map<string, tf.Tensor>>;
}

/** The group of one process, whose sum is the given tensors. */
export const singleProcess: Communicator = {
  rank: 0,
  size: 1,
  sum: (gradients) => Promise.resolve(gradients),
};
