// The one forward and backward pass of the library: the trainer, parity and the benchmarks differentiate with it.

import { assertTensor } from '../core/check.ts';
import { assertModule } from '../core/module.ts';
import { assertFields, assertKind } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { ShapeError, expected } from '../core/errors.ts';
import type { Module } from '../core/module.ts';
import { unmarked, type Phase } from '../core/phase.ts';

/**
 * The options of `valueAndGrad`.
 *
 * @property inputs  more tensors to differentiate by, under their own names: the images, for a gradient w.r.t. the input
 * @property phase   runs the two passes, `forward` and `backward`; a profiler times them. Default: it only runs them
 */
export interface ValueAndGradOptions {
  inputs?: Readonly<Record<string, tf.Tensor>>;
  phase?: Phase;
}

/**
 * A loss and its gradients; the caller disposes all of it.
 *
 * @property value      the loss, a scalar
 * @property gradients  by parameter name, in the model's order, then the inputs'. A tensor that the loss does not depend on has no
 *                      entry
 * @property outputs    the outputs of the loss function besides the loss
 */
export interface ValueAndGrad<O extends tf.NamedTensorMap> {
  value: tf.Scalar;
  gradients: Map<string, tf.Tensor>;
  outputs: O;
}

/** A loss, and tensors of the forward pass that the caller wants to see: the logits. */
export interface LossWithOutputs<O extends tf.NamedTensorMap> {
  /** A scalar. */
  loss: tf.Tensor;
  outputs: O;
}

/**
 * The value of a loss and its gradient by every parameter of a model: one forward and one backward pass.
 *
 * Nothing stays allocated after an exception.
 *
 * @param model  the model whose parameters the loss is differentiated by
 * @param loss   computes the loss with the model, as a scalar, or as a scalar with outputs
 * @throws ShapeError if the loss is no scalar, InputError if it depends on no parameter
 *
 * @example
 * const { value, gradients } = valueAndGrad(model, () => tf.mean(softmaxCrossEntropy(model.forward(images), targets)));
 * optimizer.step(gradients);
 * tf.dispose([value, ...gradients.values()]);
 */
export function valueAndGrad<O extends tf.NamedTensorMap = Record<never, tf.Tensor>>(
  model: Pick<Module, 'namedParameters'>,
  loss: () => tf.Tensor | LossWithOutputs<O>,
  options: ValueAndGradOptions = {},
): ValueAndGrad<O> {
  assertModule(model);
  assertKind('loss', loss, 'function');
  assertFields('valueAndGrad', options, { inputs: 'instance?', phase: 'function?' });
  const { inputs = {}, phase = unmarked } = options;
  for (const [name, input] of Object.entries(inputs)) assertTensor(`inputs.${name}`, input);
  const named = new Map<string, tf.Tensor>([...model.namedParameters(), ...Object.entries(inputs)]);
  const parameters = new Set(named.values());
  const f = () => {
    const result: unknown = loss();
    if (isTensor(result)) return { value: result as tf.Scalar, outputs: {} as O };
    const { loss: value, outputs = {} as O } = (result ?? {}) as Partial<LossWithOutputs<O>>;
    if (!isTensor(value)) {
      throw new ShapeError(expected('a scalar, or {loss, outputs} with one', 'the loss', result));
    }
    return { value: value as tf.Scalar, outputs: ownOutputs(outputs, parameters) };
  };
  const { value, outputs, gradients } = t.valueAndGrads(f, [...named.values()], phase);
  const entries = [...named.keys()].flatMap((name, i) => {
    const gradient = gradients[i];
    return gradient === undefined ? [] : [[name, gradient] as const];
  });
  return { value, gradients: new Map(entries), outputs };
}

function isTensor(value: unknown): value is tf.Tensor {
  return typeof value === 'object' && value !== null && 'dataId' in value && 'shape' in value;
}

// The caller disposes the outputs, so a parameter among them is given as a copy.
function ownOutputs<O extends tf.NamedTensorMap>(
  outputs: O,
  parameters: ReadonlySet<tf.Tensor>,
): O {
  const entries = Object.entries(outputs);
  if (!entries.some(([, tensor]) => parameters.has(tensor))) return outputs;
  return Object.fromEntries(
    entries.map(([name, tensor]) => [name, parameters.has(tensor) ? t.clone(tensor) : tensor]),
  ) as O;
}
