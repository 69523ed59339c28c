// The dense layer and gelu.

import type * as tf from '@tensorflow/tfjs';
import { ACTIVATION, REDUCE } from '../generated/enums.ts';
import * as kernels from '../../../core/kernels.ts';
import type { GeluAttrs, LinearAttrs } from '../../../core/kernels.ts';
import { gemm } from './gemm.ts';
import { replaceKernel } from './kernel.ts';

interface LinearInputs {
  x: tf.TensorInfo;
  weight: tf.TensorInfo;
  bias?: tf.TensorInfo;
}

/** Registers our dense layer with its bias and activation, and gelu, with their gradients. */
export function registerLinear(): void {
  replaceKernel<LinearInputs, LinearAttrs>(kernels.Linear, ({ inputs, attrs, backend }) => {
    const { x, weight, bias } = inputs;
    const { activation, precision } = attrs;
    const [m, k] = x.shape as [number, number];
    const n = weight.shape[0]!;
    const y = backend.output([m, n]);
    const shape = { m, n, k, transposeB: true, activation: ACTIVATION[activation] };
    const offset = bias === undefined ? null : backend.floats(bias);
    gemm(backend, precision, x, weight, y.values, shape, offset);
    return y.info;
  });
  replaceKernel<{ dOut: tf.TensorInfo }, object>(
    kernels.BiasGrad,
    ({ inputs: { dOut }, backend }) => {
      const [m, n] = dOut.shape as [number, number];
      const { info, values } = backend.output([n]);
      if (m === 0) backend.binding.fill(0, values);
      else backend.binding.reduce(REDUCE.sum, 1, m, n, backend.floats(dOut), values);
      return info;
    },
  );
  replaceKernel<{ x: tf.TensorInfo }, GeluAttrs>(
    kernels.Gelu,
    ({ inputs: { x }, attrs: { form }, backend }) => {
      const { info, values } = backend.output(x.shape);
      backend.binding.gelu(ACTIVATION[form], backend.floats(x), values);
      return info;
    },
  );
  replaceKernel<{ dOut: tf.TensorInfo; x: tf.TensorInfo }, GeluAttrs>(
    kernels.GeluGrad,
    ({ inputs: { dOut, x }, attrs: { form }, backend }) => {
      const { info, values } = backend.output(x.shape);
      backend.binding.geluGrad(ACTIVATION[form], backend.floats(dOut), backend.floats(x), values);
      return info;
    },
  );
}
