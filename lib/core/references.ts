// The reference implementation of each kernel by name, for a backend whose own kernel does not serve a call.

import type * as tf from '@tensorflow/tfjs';

const kernelFuncs = new Map<string, tf.KernelFunc>();

/** Keeps the slow, plain form of a kernel of ours under its name; an op does so when it is loaded. */
export function setReferenceKernel(kernelName: string, kernelFunc: tf.KernelFunc): void {
  kernelFuncs.set(kernelName, kernelFunc);
}

/** The slow form of a kernel, for a backend whose own kernel does not serve a call; undefined if its op was not imported. */
export function referenceKernel(kernelName: string): tf.KernelFunc | undefined {
  return kernelFuncs.get(kernelName);
}

const wrapped = new WeakMap<tf.KernelFunc, tf.KernelFunc>();

/** Says that `wrapper` stands for `kernelFunc` in the registry, with something around it: it is the same kernel. */
export function setWrapped(wrapper: tf.KernelFunc, kernelFunc: tf.KernelFunc): void {
  wrapped.set(wrapper, kernelFunc);
}

/** Whether a registered function is the slow form of a kernel, wrapped or not. */
export function isReferenceKernel(kernelName: string, kernelFunc: tf.KernelFunc): boolean {
  return (wrapped.get(kernelFunc) ?? kernelFunc) === referenceKernel(kernelName);
}
