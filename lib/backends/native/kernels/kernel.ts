// How a native kernel replaces one of tfjs.

import * as tf from '@tensorflow/tfjs';
import { UnsupportedError } from '../../../core/errors.ts';
import { referenceKernel } from '../../../core/references.ts';
import type { NativeBackend } from '../nativeBackend.ts';

/** The inputs, attributes and backend of a call of a native kernel. */
export interface NativeCall<Inputs, Attrs> {
  inputs: Inputs;
  attrs: Attrs;
  backend: NativeBackend;
}

/**
 * A native kernel: the outputs, or undefined where it does not serve these inputs (another dtype, an odd case); then the
 * kernel of tfjs's CPU backend runs, or, for a kernel of ours, the reference.
 */
export type NativeKernel<Inputs, Attrs> = (
  call: NativeCall<Inputs, Attrs>,
) => tf.TensorInfo | tf.TensorInfo[] | undefined;

/** The name tfjs knows the backend by. */
export const BACKEND_NAME = 'native';

/** Puts a native kernel in the place of the inherited one. */
export function replaceKernel<Inputs, Attrs>(
  kernelName: string,
  kernel: NativeKernel<Inputs, Attrs>,
): void {
  const inherited = tf.getKernel(kernelName, BACKEND_NAME)?.kernelFunc;
  if (inherited != null) tf.unregisterKernel(kernelName, BACKEND_NAME);
  const kernelFunc = (call: unknown): tf.TensorInfo | tf.TensorInfo[] => {
    const out = kernel(call as NativeCall<Inputs, Attrs>);
    if (out !== undefined) return out;
    const slow = inherited ?? referenceKernel(kernelName);
    if (slow == null)
      throw new UnsupportedError(
        `The native backend has no kernel ${kernelName} for these inputs.`,
      );
    return slow(call as Parameters<tf.KernelFunc>[0]);
  };
  tf.registerKernel({
    kernelName,
    backendName: BACKEND_NAME,
    kernelFunc: kernelFunc as tf.KernelFunc,
  });
}

/** Whether all are float32, the one dtype that most native kernels compute in. */
export function areFloats(...tensors: readonly tf.TensorInfo[]): boolean {
  return tensors.every((tensor) => tensor.dtype === 'float32');
}

/** Whether its elements are those of a typed array that native calls take: float32, int32 or bool. */
export function isFixed({ dtype }: { dtype: tf.DataType }): boolean {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
}

/** Whether all are int32. */
export function areInts(...tensors: readonly tf.TensorInfo[]): boolean {
  return tensors.every(({ dtype }) => dtype === 'int32');
}

/** Whether it is of the dtypes of numbers that native calls take: float32 or int32. */
export function isNumeric({ dtype }: { dtype: tf.DataType }): boolean {
  return dtype === 'float32' || dtype === 'int32';
}
