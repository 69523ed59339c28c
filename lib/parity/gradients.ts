import * as t from '../ops/tensor.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Module } from '../core/module.ts';

/**
 * The value of a loss and its gradient by every parameter of a model, and by the extra variables under their own names.
 *
 * A parameter that the loss does not depend on has no entry. The caller disposes everything.
 */
export function parameterGradients(
  loss: () => tf.Scalar,
  model: Module,
  extra: Readonly<Record<string, tf.Variable>> = {},
): { value: tf.Scalar; gradients: Map<string, tf.Tensor> } {
  const variables = new Map([...model.namedParameters(), ...Object.entries(extra)]);
  const { value, grads } = t.variableGrads(loss, [...variables.values()]);
  const gradients = new Map<string, tf.Tensor>();
  for (const [name, variable] of variables) {
    const gradient = grads[variable.name] as tf.Tensor | null | undefined;
    if (gradient) gradients.set(name, gradient);
  }
  return { value, gradients };
}
