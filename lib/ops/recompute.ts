// Gradient checkpointing: activations are recomputed in the backward pass.

import { assertKind } from '../core/kinds.ts';
import { assertTensor } from '../core/check.ts';
import * as tf from '@tensorflow/tfjs';
import { innerGradients } from './gradients.ts';

/**
 * y = f(x) without saving f's activations: the backward pass runs f again (gradient checkpointing).
 *
 * The memory for the gradient falls from every activation of f to x alone, at the cost of one more forward pass. The gradients are
 * those of f as long as f gives the same result twice: its random draws must be a function of keys, as with `Rng.split`.
 *
 * @param f           [B, N, C] → [B, N, C]; may be called twice
 * @param parameters  every variable that f reads; one that is not listed gets no gradient
 *
 * Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
 */
export function recompute(
  f: (x: tf.Tensor3D) => tf.Tensor3D,
  x: tf.Tensor3D,
  parameters: readonly tf.Variable[],
): tf.Tensor3D {
  assertKind('f', f, 'function');
  assertTensor('x', x);
  assertKind('parameters', parameters, 'list');
  parameters.forEach((parameter, i) => assertTensor(`parameters[${i}]`, parameter));
  const op = tf.customGrad((...args) => {
    const input = args[0] as tf.Tensor3D;
    const save = args.at(-1) as tf.GradSaveFunc;
    const value = f(input);
    // Last, because tfjs never frees what an op saved that then failed.
    save([input]);
    return {
      value,
      gradFunc: (dOut, saved) => gradientsOf(f, saved[0] as tf.Tensor3D, parameters, dOut),
    };
  });
  return op(x, ...parameters) as tf.Tensor3D;
}

function gradientsOf(
  f: (x: tf.Tensor3D) => tf.Tensor3D,
  x: tf.Tensor3D,
  parameters: readonly tf.Variable[],
  dOut: tf.Tensor,
): tf.Tensor[] {
  return innerGradients(() => f(x), [x, ...parameters], dOut);
}
