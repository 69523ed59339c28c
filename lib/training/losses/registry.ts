// The losses of a classifier by name: the `loss` of a training config is one of these.

import type * as tf from '@tensorflow/tfjs';
import { assertOneOf, assertRegistrable } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';

/** The mean loss of a batch: logits [B, K], targets [B, K] → a scalar. */
export type Loss = (logits: tf.Tensor2D, targets: tf.Tensor2D) => tf.Scalar;

/** The losses of the library; `lossNamed` knows their functions, so that a config can be read without loading the ops. */
export const ownLossNames = ['softmax', 'binary'] as const;

const registered = new Map<string, Loss>();

/**
 * Adds a loss, so that a config can name it.
 *
 * @throws InputError if the name is taken or none, or `loss` is no function
 *
 * @example registerLoss('squared', (logits, targets) => tf.losses.meanSquaredError(targets, logits) as tf.Scalar);
 */
export function registerLoss(name: string, loss: Loss): void {
  assertRegistrable('a loss', { name, loss }, { name: 'name', methods: ['loss'] });
  if (lossNames().includes(name)) throw new InputError(expected('a new name', 'the loss', name));
  registered.set(name, loss);
}

/** The names of all losses, our own first. */
export function lossNames(): readonly string[] {
  return [...ownLossNames, ...registered.keys()];
}

/** A loss that was registered; undefined for other names. */
export function registeredLoss(name: string): Loss | undefined {
  return registered.get(name);
}

/** Reads the name of a loss. @param name  how errors call the option. @throws InputError if there is no such loss */
export function parseLossName(value: unknown, name: string): string {
  assertOneOf(name, value, lossNames());
  return value;
}
