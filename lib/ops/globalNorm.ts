// The norm of many tensors as one vector.

import { assertKind } from '../core/kinds.ts';
import { assertTensor } from '../core/check.ts';
import * as tf from '@tensorflow/tfjs';
import * as kernels from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';

/**
 * The Euclidean norm of many tensors as one vector: √Σ‖t‖².
 *
 * @param tensors  any shapes; an empty list gives 0
 * @returns a scalar; not differentiable
 *
 * It is infinite if a square overflows (elements above 1e19), and NaN if an element is. A guard looks for both.
 */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  assertKind('tensors', tensors, 'list');
  tensors.forEach((tensor, i) => assertTensor(`tensors[${i}]`, tensor));
  if (tensors.length === 0) return tf.scalar(0);
  return globalNormKernel(tensors, {})[0] as tf.Scalar;
}

// `GlobalNorm` in plain tfjs ops.
function referenceGlobalNorm(tensors: readonly tf.Tensor[]): tf.Tensor[] {
  return [tf.sqrt(tf.sum(tf.stack(tensors.map((tensor) => tf.sum(tf.square(tensor))))))];
}

const globalNormKernel = defineKernel(kernels.GlobalNorm, { reference: referenceGlobalNorm });
