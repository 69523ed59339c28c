// The kernel ComplexAbs.

import * as tf from '@tensorflow/tfjs';
import { replaceKernel } from './kernel.ts';

/** Registers the absolute values of complex numbers. Real, Imag and Complex copy nothing and stay as inherited. */
export function registerComplex(): void {
  replaceKernel<{ x: tf.TensorInfo }, object>(tf.ComplexAbs, ({ inputs: { x }, backend }) => {
    const parts = backend.data.get(x.dataId).complexTensorInfos;
    if (parts === undefined) return undefined;
    const { info, values } = backend.output(x.shape);
    backend.binding.magnitude(backend.floats(parts.real), backend.floats(parts.imag), values);
    return info;
  });
}
