// Activations that follow a fused kernel.

import * as tf from '@tensorflow/tfjs';
import { UnsupportedError } from '../../../core/errors.ts';
import type { NativeBackend } from '../nativeBackend.ts';

type Activation = tf.backend_util.Activation;

/** The bounds to which a convolution clamps its results itself: those of relu and relu6, else none. */
export function boundsOf(activation: Activation | null | undefined): readonly [number, number] {
  if (activation === 'relu') return [0, Infinity];
  return activation === 'relu6' ? [0, 6] : [-Infinity, Infinity];
}

/** Whether the bounds are all that there is of an activation. */
export function isBounded(activation: Activation | null | undefined): boolean {
  return activation === 'relu' || activation === 'relu6';
}

/** The activation of the sums `x`, which are given away. */
export function activated(
  backend: NativeBackend,
  x: tf.TensorInfo,
  activation: Activation | null | undefined,
  alpha: tf.TensorInfo | undefined,
  leakyreluAlpha: number | undefined,
): tf.TensorInfo {
  const run = (kernelName: string, inputs: Record<string, tf.TensorInfo>, attrs = {}) => {
    const kernel = tf.getKernel(kernelName, 'native');
    const out = kernel.kernelFunc({ inputs, attrs, backend }) as tf.TensorInfo;
    backend.disposeIntermediateTensorInfo(x);
    return out;
  };
  if (activation == null || activation === 'linear') return x;
  if (activation === 'relu') return run(tf.Relu, { x });
  if (activation === 'relu6') return run(tf.Relu6, { x });
  if (activation === 'elu') return run(tf.Elu, { x });
  if (activation === 'sigmoid') return run(tf.Sigmoid, { x });
  if (activation === 'leakyrelu') return run(tf.LeakyRelu, { x }, { alpha: leakyreluAlpha });
  if (activation === 'prelu') return run(tf.Prelu, { x, alpha: alpha! });
  throw new UnsupportedError(
    `Activation ${String(activation)} has not been implemented for the native backend.`,
  );
}
