// FFT and IFFT.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { replaceKernel } from './kernel.ts';

interface Input {
  input: tf.TensorInfo;
}

/** Registers the Fourier transform along the last axis, and its inverse. */
export function registerFourier(): void {
  for (const kernelName of [tf.FFT, tf.IFFT]) {
    replaceKernel<Input, object>(kernelName, ({ inputs: { input }, backend }) => {
      const parts = backend.data.get(input.dataId).complexTensorInfos;
      const { shape } = input;
      if (parts === undefined || sizeOf(shape) === 0) return undefined;
      const real = backend.output(shape);
      const imag = backend.output(shape);
      const n = shape.at(-1) ?? 1;
      const batch = sizeOf(shape) / n;
      const from = [backend.floats(parts.real), backend.floats(parts.imag)] as const;
      backend.binding.fft(batch, n, kernelName === tf.IFFT, ...from, real.values, imag.values);
      const out = backend.makeTensorInfo(shape, 'complex64');
      // The complex tensor owns its parts.
      backend.data.get(out.dataId).complexTensorInfos = { real: real.info, imag: imag.info };
      return out;
    });
  }
}
