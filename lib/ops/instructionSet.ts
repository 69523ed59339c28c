// The instruction set of the backend in use, where results depend on it.

import * as tf from '@tensorflow/tfjs';

/**
 * The instruction set that the backend in use computes with; undefined for a backend that names none. Two runs of one seed are equal to
 * the byte only with the same.
 */
export function instructionSet(): string | undefined {
  const { instructionSet: name } = tf.backend() as { instructionSet?: unknown };
  return typeof name === 'string' ? name : undefined;
}
