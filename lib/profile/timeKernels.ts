// A clock around each kernel of a backend.

import * as tf from '@tensorflow/tfjs';
import { UnsupportedError, expected } from '../core/errors.ts';
import { BranchChain } from '../core/kernels.ts';
import { setWrapped } from '../core/references.ts';
import type { Recorder } from './recorder.ts';

// Their kernels only ask a GPU for work.
const asynchronous = ['webgl', 'webgpu'];

// Kernels that do the work of several others in one call: without them each of those is seen.
const joining: readonly string[] = [BranchChain];

/**
 * Puts a clock around every kernel that the current backend has registered, until the returned function is called.
 *
 * The registry then holds what it held before; a kernel that was registered anew in between stays. One that is registered in
 * between for the first time has no clock: its time counts where it was called. Branches of a model that would run in one call
 * run one by one meanwhile.
 *
 * tfjs's own `tf.profile` would not do: a kernel that calls others is counted together with them and they again, it says
 * nothing of attributes (a product's transposes), of when a kernel began, or of the phase it ran in, and after an exception it
 * never stops.
 *
 * @throws UnsupportedError on a backend whose kernels return before their work is done
 */
export function timeKernels(recorder: Recorder): () => void {
  const backendName = tf.getBackend();
  if (asynchronous.includes(backendName)) {
    const what =
      'a backend whose kernels are done when they return (native, wasm, cpu, tensorflow)';
    const remedy = "Use the profiler of the browser or of the GPU's driver.";
    throw new UnsupportedError(expected(what, 'a profile', backendName, remedy));
  }
  const all = tf.getKernelsForBackend(backendName);
  const joined = all.filter(({ kernelName }) => joining.includes(kernelName));
  for (const { kernelName } of joined) tf.unregisterKernel(kernelName, backendName);
  const apart = all.filter((kernel) => !joined.includes(kernel));
  const pairs = apart.map((original) => {
    const kernelFunc: tf.KernelFunc = (params) => {
      const span = recorder.begin('kernel', original.kernelName);
      let out: tf.TensorInfo | tf.TensorInfo[];
      try {
        out = original.kernelFunc(params);
      } finally {
        recorder.end(span);
      }
      const { inputs, attrs = {} } = params;
      span.call = { inputs, attrs, outputs: Array.isArray(out) ? out : [out] };
      return out;
    };
    setWrapped(kernelFunc, original.kernelFunc);
    return { original, timed: { ...original, kernelFunc } };
  });
  for (const { timed } of pairs) replace(timed);
  return () => {
    joined.forEach((kernel) => tf.registerKernel(kernel));
    for (const { original, timed } of pairs) {
      if (tf.getKernel(original.kernelName, backendName) === timed) replace(original);
    }
  };
}

function replace(kernel: tf.KernelConfig): void {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel(kernel);
}
