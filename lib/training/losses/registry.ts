// The losses of a classifier by name: the `loss` of a training config is one of these.

import type * as tf from '@tensorflow/tfjs';
import { InputError, expected } from '../../core/errors.ts';
import { binaryCrossEntropyLoss } from './binaryCrossEntropy.ts';
import { softTargetCrossEntropyLoss } from './crossEntropy.ts';

/** The mean loss of a batch: logits [B, K], targets [B, K] → a scalar. */
export type Loss = (logits: tf.Tensor2D, targets: tf.Tensor2D) => tf.Scalar;

const losses = new Map<string, Loss>([
  ['softmax', softTargetCrossEntropyLoss],
  ['binary', binaryCrossEntropyLoss],
]);

/**
 * Adds a loss, so that a config can name it.
 *
 * @throws InputError if the name is taken
 *
 * @example registerLoss('squared', (logits, targets) => tf.losses.meanSquaredError(targets, logits) as tf.Scalar);
 */
export function registerLoss(name: string, loss: Loss): void {
  if (losses.has(name)) throw new InputError(expected('a new name', 'the loss', name));
  losses.set(name, loss);
}

/** The names of all losses, our own first. */
export function lossNames(): readonly string[] {
  return [...losses.keys()];
}

/** A loss by its name. @throws InputError if there is none */
export function lossNamed(name: string): Loss {
  const loss = losses.get(name);
  if (loss === undefined) {
    throw new InputError(expected(`one of ${lossNames().join(', ')}`, 'the loss', name));
  }
  return loss;
}
