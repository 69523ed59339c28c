// Batch normalisation by the statistics of the batch itself.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import * as kernels from '../core/kernels.ts';
import type { BatchNormAttrs, BatchNormGradInputs, BatchNormInputs } from '../core/kernels.ts';
import { channelRows } from './channelRows.ts';
import { defineKernel } from './kernel.ts';

/**
 * The result of `batchNorm`.
 *
 * @property y         of the shape of x
 * @property mean      of each channel, [C]; no gradient flows through it
 * @property variance  of each channel, divided by the number of elements, [C]; no gradient flows through it
 */
export interface BatchNormResult<T extends tf.Tensor> {
  y: T;
  mean: tf.Tensor1D;
  variance: tf.Tensor1D;
}

/**
 * Batch normalisation in training: each channel over all the other axes.
 *
 * y[…,c] = (x[…,c] − mean[c])·gamma[c]/√(variance[c] + epsilon) + beta[c], variance = mean((x − mean)²)
 *
 * @param x      [..., C]
 * @param gamma  gain, [C]
 * @param beta   offset, [C]
 * @param options.epsilon  default 1e-5, as torch.nn.BatchNorm2d
 * @throws ShapeError if C differs; InputError if epsilon is negative or not finite
 *
 * Differentiable in x, gamma and beta; mean and variance are saved for the backward pass. A channel of a single element gives beta.
 * With running statistics in place of the batch's use tfjs's own `tf.batchNorm`.
 *
 * Source: Ioffe & Szegedy 2015.
 */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  options: { epsilon?: number } = {},
): BatchNormResult<T> {
  assertKind('options of batchNorm', options, 'instance');
  const { epsilon = 1e-5 } = options;
  return tf.tidy(() => {
    const rows = channelRows(x, { gamma, beta }, epsilon);
    const [y, mean, variance] = batchNormKernel({ x: rows, gamma, beta }, { epsilon });
    return {
      y: tf.reshape(y!, x.shape) as T,
      mean: mean as tf.Tensor1D,
      variance: variance as tf.Tensor1D,
    };
  });
}

// `BatchNorm` in plain tfjs ops.
function referenceBatchNorm(
  { x, gamma, beta }: BatchNormInputs,
  { epsilon }: BatchNormAttrs,
): tf.Tensor[] {
  const mean = tf.mean<tf.Tensor1D>(x, 0);
  const variance = tf.mean<tf.Tensor1D>(tf.square(tf.sub(x, mean)), 0);
  return [tf.batchNorm(x, mean, variance, beta, gamma, epsilon), mean, variance];
}

// `BatchNormGrad` in plain tfjs ops.
function referenceBatchNormGrad(
  { dOut, x, gamma, mean, variance }: BatchNormGradInputs,
  { epsilon }: BatchNormAttrs,
): tf.Tensor[] {
  const [count] = x.shape;
  const rstd = tf.div(1, tf.sqrt(tf.add(variance, epsilon)));
  const centred = tf.sub(x, mean);
  const dBeta = tf.sum(dOut, 0);
  const dGamma = tf.mul(tf.sum(tf.mul(dOut, centred), 0), rstd);
  const scale = tf.mul(gamma, rstd);
  const along = tf.mul(tf.mul(scale, rstd), tf.div(dGamma, count));
  const offset = tf.mul(scale, tf.div(dBeta, count));
  const dX = tf.sub(tf.sub(tf.mul(dOut, scale), offset), tf.mul(centred, along));
  return [dX, dGamma, dBeta];
}

const batchNormGradKernel = defineKernel(kernels.BatchNormGrad, {
  reference: referenceBatchNormGrad,
});

const batchNormKernel = defineKernel(kernels.BatchNorm, {
  reference: referenceBatchNorm,
  gradient: {
    saveInputs: ['x', 'gamma'],
    saveOutputs: [false, true, true],
    of: ([dOut], [x, gamma, mean, variance], { epsilon }) => {
      const inputs = { dOut, x, gamma, mean, variance } as BatchNormGradInputs;
      const [dX, dGamma, dBeta] = batchNormGradKernel(inputs, { epsilon });
      return { x: () => dX!, gamma: () => dGamma!, beta: () => dBeta! };
    },
  },
});
