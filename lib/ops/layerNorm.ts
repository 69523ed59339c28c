// Layer normalisation over the last axis.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import * as kernels from '../core/kernels.ts';
import type { LayerNormAttrs, LayerNormGradInputs, LayerNormInputs } from '../core/kernels.ts';
import { channelRows } from './channelRows.ts';
import { defineKernel } from './kernel.ts';

/**
 * Layer normalisation over the last axis.
 *
 * out[…,c] = (x[…,c] − mean)·rstd·gamma[c] + beta[c], rstd = 1/√(variance + epsilon), variance = mean((x − mean)²)
 *
 * @param x      [..., C]
 * @param gamma  gain, [C]
 * @param beta   offset, [C]
 * @param options.epsilon  default 1e-6, as timm's Vision Transformers; torch's own default is 1e-5
 * @throws ShapeError if C differs; InputError if epsilon is negative or not finite
 *
 * It takes two passes (the mean first), so a large common offset of a row costs no more than float32's rounding of x.
 * Differentiable in x, gamma and beta; mean and rstd are saved for the backward pass.
 *
 * Source: Ba, Kiros & Hinton 2016.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  options: { epsilon?: number } = {},
): T {
  assertKind('options of layerNorm', options, 'instance');
  const { epsilon = 1e-6 } = options;
  return tf.tidy(() => {
    const rows = channelRows(x, { gamma, beta }, epsilon);
    const [y] = layerNormKernel({ x: rows, gamma, beta }, { epsilon });
    return tf.reshape(y!, x.shape) as T;
  });
}

// `LayerNorm` in plain tfjs ops.
function referenceLayerNorm(
  { x, gamma, beta }: LayerNormInputs,
  { epsilon }: LayerNormAttrs,
): tf.Tensor[] {
  const mean = tf.mean(x, 1, true);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), 1, true);
  const rstd = tf.div(1, tf.sqrt(tf.add(variance, epsilon)));
  const y = tf.add(tf.mul(tf.mul(centred, rstd), gamma), beta);
  return [y, tf.reshape(mean, [x.shape[0]]), tf.reshape(rstd, [x.shape[0]])];
}

// `LayerNormGrad` in plain tfjs ops.
function referenceLayerNormGrad(inputs: LayerNormGradInputs): tf.Tensor[] {
  const { dOut, x, gamma } = inputs;
  const [mean, rstd] = [tf.expandDims(inputs.mean, 1), tf.expandDims(inputs.rstd, 1)];
  const normal = tf.mul(tf.sub(x, mean), rstd);
  const g = tf.mul(dOut, gamma);
  const along = tf.mul(normal, tf.mean(tf.mul(g, normal), 1, true));
  const dX = tf.mul(rstd, tf.sub(tf.sub(g, tf.mean(g, 1, true)), along));
  return [dX, tf.sum(tf.mul(dOut, normal), 0), tf.sum(dOut, 0)];
}

const layerNormGradKernel = defineKernel(kernels.LayerNormGrad, {
  reference: referenceLayerNormGrad,
});

const layerNormKernel = defineKernel(kernels.LayerNorm, {
  reference: referenceLayerNorm,
  gradient: {
    saveInputs: ['x', 'gamma'],
    saveOutputs: [false, true, true],
    of: ([dOut], [x, gamma, mean, rstd]) => {
      const inputs = { dOut, x, gamma, mean, rstd } as LayerNormGradInputs;
      const [dX, dGamma, dBeta] = layerNormGradKernel(inputs, {});
      return { x: () => dX!, gamma: () => dGamma!, beta: () => dBeta! };
    },
  },
});
