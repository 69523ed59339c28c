// How a kernel of tfjs's WebAssembly backend is replaced by one of ours, which may call it.

import * as tf from '@tensorflow/tfjs';

/** The arguments of a kernel's function. */
export type KernelArguments = Parameters<tf.KernelFunc>[0];

/**
 * Puts a kernel in the place of that of tfjs, where there is one.
 *
 * @param make  gives the function from that of tfjs
 */
export function replaceKernel(
  kernelName: string,
  make: (original: tf.KernelFunc) => tf.KernelFunc,
): void {
  const config = tf.getKernel(kernelName, 'wasm');
  if (config == null) return;
  tf.unregisterKernel(kernelName, 'wasm');
  // The set-up function is what binds the original to the WebAssembly module.
  tf.registerKernel({ ...config, kernelFunc: make(config.kernelFunc) });
}
