// Batch normalization.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface BatchNormInputs {
  x: tf.TensorInfo;
  mean: tf.TensorInfo;
  variance: tf.TensorInfo;
  offset?: tf.TensorInfo;
  scale?: tf.TensorInfo;
}

/** Registers batch normalization with one mean and variance a channel: (x - mean)·(scale/√(variance + epsilon)) + offset. */
export function registerBatchNorm(): void {
  replaceKernel<BatchNormInputs, tf.FusedBatchNormAttrs>(tf.FusedBatchNorm, (call) => {
    const { inputs, attrs, backend } = call;
    const { x, mean, variance, offset, scale } = inputs;
    const given = [mean, variance, offset, scale].filter((each) => each != null);
    const channels = x.shape.at(-1) ?? 0;
    const size = sizeOf(x.shape);
    const perChannel = given.every((each) => each.shape.length === 1 && each.shape[0] === channels);
    if (!areFloats(x, ...given) || !perChannel || size === 0) return undefined;
    const epsilon = attrs.varianceEpsilon ?? 0.001;
    const scales = scale == null ? undefined : backend.floats(scale);
    const factors = backend
      .floats(variance)
      .map((value, i) => (scales?.[i] ?? 1) / Math.sqrt(value + epsilon));
    const { info, values } = backend.output(x.shape);
    backend.binding.normalize(
      size / channels,
      channels,
      backend.floats(x),
      backend.floats(mean),
      factors,
      offset == null ? null : backend.floats(offset),
      values,
    );
    return info;
  });
}
