// The interface of a model that can be trained.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../core/context.ts';
import type { Module } from '../core/module.ts';

/** A model that can be trained and evaluated: images [B, H, W, C] → logits [B, K]. */
export interface TrainableModel extends Module {
  forward(images: tf.Tensor4D, context?: ForwardContext): tf.Tensor2D;
  /** The logits of both heads, of a model whose configuration says `distilled`. */
  forwardDistilled?(
    images: tf.Tensor4D,
    context?: ForwardContext,
  ): { cls: tf.Tensor2D; dist: tf.Tensor2D };
  /** Names that never decay; default none. */
  noWeightDecay?(): ReadonlySet<string>;
  /** The layer number of each parameter, from 0 at the images; needed for layer decay. */
  layerGroups?(): ReadonlyMap<string, number>;
  /** Its configuration as plain data, stored beside the weights. */
  readonly config?: unknown;
}

/** Runs a function with other weights and buffers in the model, and restores its own afterwards, after an error too. */
export async function withWeights<T>(
  model: TrainableModel,
  weights: ReadonlyMap<string, tf.Tensor>,
  run: () => Promise<T>,
): Promise<T> {
  const parameters = model.stateDict();
  const own = new Map([...parameters].map(([name, parameter]) => [name, parameter.clone()]));
  try {
    for (const [name, weight] of weights) parameters.get(name)!.assign(weight);
    return await run();
  } finally {
    for (const [name, tensor] of own) {
      parameters.get(name)!.assign(tensor);
      tensor.dispose();
    }
  }
}

/**
 * Runs a function that may train, and restores the buffers of the model if it fails: a forward pass of training moves running
 * statistics before anybody knows whether its gradients are finite.
 */
export async function keepingBuffers<T>(
  buffers: ReadonlyMap<string, tf.Variable>,
  run: () => Promise<T>,
): Promise<T> {
  const before = [...buffers.values()].map((buffer) => [buffer, buffer.clone()] as const);
  try {
    return await run();
  } catch (error) {
    for (const [buffer, value] of before) buffer.assign(value);
    throw error;
  } finally {
    for (const [, value] of before) value.dispose();
  }
}
