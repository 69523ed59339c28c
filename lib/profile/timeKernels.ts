// A clock around each kernel of a backend.

import * as tf from '@tensorflow/tfjs';
import { UnsupportedError, expected } from '../core/errors.ts';
import { BranchChain } from '../core/kernels.ts';
import { setWrapped } from '../core/references.ts';
import type { Recorder } from './recorder.ts';

// The kernels of these backends only queue work on a GPU.
const asynchronous = ['webgl', 'webgpu'];

// Kernels that fuse several others; without them each of the others has its own time.
const joining: readonly string[] = [BranchChain];

/**
 * Puts a clock around every kernel that the current backend has registered, until the returned function is called.
 *
 * Then the registry is as before, except that a kernel that was registered anew in between stays. A kernel that is registered in
 * between for the first time has no clock, and its time counts where it was called. Branches of a model that would run fused into
 * one call run one by one meanwhile.
 *
 * tfjs's own `tf.profile` does not suffice: it counts the kernels inside another kernel twice, does not report attributes (the
 * transposes of a matrix product), start times or phases, and never stops after an exception.
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
