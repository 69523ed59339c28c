// The reference implementation of each kernel by name, for a backend whose own kernel does not serve a call.

import type * as tf from '@tensorflow/tfjs';

const kernelFuncs = new Map<string, tf.KernelFunc>();

/** Registers the reference of a kernel under its name. Each op does so when its file is loaded. */
export function setReferenceKernel(kernelName: string, kernelFunc: tf.KernelFunc): void {
  kernelFuncs.set(kernelName, kernelFunc);
}

/** The reference of a kernel, for a backend whose own kernel does not serve a call; undefined if its op was not imported. */
export function referenceKernel(kernelName: string): tf.KernelFunc | undefined {
  return kernelFuncs.get(kernelName);
}

const wrapped = new WeakMap<tf.KernelFunc, tf.KernelFunc>();

/** Records that `wrapper`, which stands in the registry, wraps `kernelFunc` and counts as the same kernel. */
export function setWrapped(wrapper: tf.KernelFunc, kernelFunc: tf.KernelFunc): void {
  wrapped.set(wrapper, kernelFunc);
}

/** Whether a registered function is the reference of a kernel, wrapped or not. */
export function isReferenceKernel(kernelName: string, kernelFunc: tf.KernelFunc): boolean {
  return (wrapped.get(kernelFunc) ?? kernelFunc) === referenceKernel(kernelName);
}
