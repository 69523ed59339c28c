// Layer norm and its gradient.

import type * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import type { LayerNormAttrs } from '../../../core/kernels.ts';
import { replaceKernel } from './kernel.ts';

type Infos<K extends string> = Record<K, tf.TensorInfo>;

/** Registers layer norm and its gradient. */
export function registerLayerNorm(): void {
  replaceKernel<Infos<'x' | 'gamma' | 'beta'>, LayerNormAttrs>(
    kernels.LayerNorm,
    ({ inputs: { x, gamma, beta }, attrs: { epsilon }, backend }) => {
      const [rows, cols] = x.shape as [number, number];
      const y = backend.output([rows, cols]);
      const mean = backend.output([rows]);
      const rstd = backend.output([rows]);
      backend.binding.layerNorm(
        rows,
        cols,
        backend.floats(x),
        backend.floats(gamma),
        backend.floats(beta),
        epsilon,
        y.values,
        mean.values,
        rstd.values,
      );
      return [y.info, mean.info, rstd.info];
    },
  );
  replaceKernel<Infos<'dOut' | 'x' | 'gamma' | 'mean' | 'rstd'>, object>(
    kernels.LayerNormGrad,
    ({ inputs: { dOut, x, gamma, mean, rstd }, backend }) => {
      const [rows, cols] = x.shape as [number, number];
      const dX = backend.output([rows, cols]);
      const dGamma = backend.output([cols]);
      const dBeta = backend.output([cols]);
      backend.binding.layerNormGrad(
        rows,
        cols,
        backend.floats(dOut),
        backend.floats(x),
        backend.floats(gamma),
        backend.floats(mean),
        backend.floats(rstd),
        dX.values,
        dGamma.values,
        dBeta.values,
      );
      return [dX.info, dGamma.info, dBeta.info];
    },
  );
}
