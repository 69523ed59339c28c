// Kernels of our own in tfjs's registry, through which an op finds its backend's implementation. A backend without a kernel of the
// name runs the reference, which is written in plain tfjs ops. The gradient is the one registered here in both cases.

import * as tf from '@tensorflow/tfjs';
import type { KernelContracts, KernelName } from '../core/kernels.ts';
import { isReferenceKernel, referenceKernel, setReferenceKernel } from '../core/references.ts';
import { InputError, UnsupportedError, expected } from '../core/errors.ts';

type Inputs<K extends KernelName> = KernelContracts[K]['inputs'];
type Attrs<K extends KernelName> = KernelContracts[K]['attrs'];
// A gradient for each input that may ask for one; only those asked for are computed.
type InputGradients = Record<string, () => tf.Tensor>;

/** The reference implementation of a kernel in plain tfjs ops, from its inputs to its outputs in order. */
export type Reference<K extends KernelName> = (inputs: Inputs<K>, attrs: Attrs<K>) => tf.Tensor[];

/** Runs a kernel of ours on the current backend. */
export type KernelRunner<K extends KernelName> = (
  inputs: Inputs<K>,
  attrs: Attrs<K>,
) => tf.Tensor[];

/**
 * The definition of a kernel: its reference and, unless it is itself a gradient, its gradient.
 *
 * @property gradient.saveInputs   names of inputs saved for the backward pass; never an optional one
 * @property gradient.saveOutputs  for each output whether it is saved
 * @property gradient.of           from the gradients of the outputs (zeros where none came), the saved inputs, the saved outputs
 *                                 and the attributes to a function for each input
 */
export interface KernelDefinition<K extends KernelName> {
  reference: Reference<K>;
  gradient?: {
    saveInputs: (keyof Inputs<K> & string)[];
    saveOutputs: boolean[];
    of: (dOut: tf.Tensor[], saved: tf.Tensor[], attrs: Attrs<K>) => InputGradients;
  };
}

const definitions = new Map<string, Reference<KernelName>>();

/**
 * Declares a kernel of ours and returns the function that runs it.
 *
 * The returned function runs the current backend's kernel of the name. On the first call on a backend that has none, the
 * reference becomes its kernel. Inside a kernel nothing is recorded for differentiation; the tape sees one step, with the
 * gradient given here. Integer and boolean inputs are cast to float32. The returned tensors belong to the surrounding `tf.tidy`.
 *
 * Gradients of second order are not defined: the kernels that compute gradients have none.
 */
export function defineKernel<K extends KernelName>(
  name: K,
  { reference, gradient }: KernelDefinition<K>,
): KernelRunner<K> {
  definitions.set(name, reference as Reference<KernelName>);
  setReferenceKernel(name, ({ inputs, attrs }) =>
    tf.tidy(() => reference(inputs as unknown as Inputs<K>, attrs as unknown as Attrs<K>)),
  );
  if (gradient !== undefined) {
    tf.registerGradient({
      kernelName: name,
      inputsToSave: gradient.saveInputs,
      outputsToSave: gradient.saveOutputs,
      gradFunc: (dOut, saved, attrs) =>
        gradient.of(Array.isArray(dOut) ? dOut : [dOut], saved, attrs),
    });
  }
  return (inputs, attrs) => {
    ensureKernel(name);
    const given = inputs as unknown as tf.NamedTensorMap;
    const ready = Object.values(given).every((tensor) => tensor.dtype === 'float32');
    if (ready) return runRegistered(name, given, attrs);
    return tf.tidy(() => runRegistered(name, toFloat32(given), attrs));
  };
}

/**
 * Runs the kernel that the current backend has registered for a name of `KernelContracts`.
 *
 * A name without a reference may have none: ask `hasFastKernel` first.
 */
export function runRegistered(
  name: KernelName,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attrs: object,
): tf.Tensor[] {
  const out: tf.Tensor | tf.Tensor[] = tf
    .engine()
    .runKernel(name, inputs, attrs as tf.NamedAttrMap);
  return Array.isArray(out) ? out : [out];
}

/** Whether the current backend brings its own kernel of this name rather than running the reference. */
export function hasFastKernel(name: KernelName): boolean {
  const kernel = tf.getKernel(name, tf.getBackend());
  return kernel != null && !isReferenceKernel(name, kernel.kernelFunc);
}

/** The reference of a kernel, to hold a fast one against. @throws UnsupportedError if its op was not imported */
export function referenceOf<K extends KernelName>(name: K): Reference<K> {
  const reference = definitions.get(name);
  if (reference === undefined)
    throw new UnsupportedError(expected('a kernel whose op is imported', 'name', name));
  return reference;
}

// A kernel reads float32 only, while one-hot targets and pixels come as int32 and masks as bool.
function toFloat32(inputs: tf.NamedTensorMap): tf.NamedTensorMap {
  const cast = Object.entries(inputs).map(([name, tensor]) => {
    if (tensor.dtype === 'string' || tensor.dtype === 'complex64') {
      throw new InputError(expected('real numbers', name, `a tensor of ${tensor.dtype}`));
    }
    return [name, tf.cast(tensor, 'float32')] as const;
  });
  return Object.fromEntries(cast);
}

function ensureKernel(name: KernelName): void {
  const backendName = tf.getBackend();
  if (tf.getKernel(name, backendName) != null) return;
  tf.registerKernel({ kernelName: name, backendName, kernelFunc: referenceKernel(name)! });
}

/** Gives the current backend the reference of each kernel that it lacks, as the first call of each would. */
export function registerReferences(): void {
  for (const name of definitions.keys()) ensureKernel(name as KernelName);
}
