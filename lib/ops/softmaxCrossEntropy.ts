// Cross-entropy of a softmax against soft targets.

import * as tf from '@tensorflow/tfjs';
import { assertRank, assertShape } from '../core/check.ts';
import * as kernels from '../core/kernels.ts';
import type { CrossEntropyInputs } from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';

/**
 * Cross-entropy of a softmax against soft targets, for each row.
 *
 * loss[b] = −Σ_k targets[b,k]·log softmax_k(logits[b,:]);  dLogits = softmax·Σ_k targets − targets
 *
 * @param logits   [B, K]
 * @param targets  [B, K], any weights ≥ 0; usually they sum to 1 (one-hot, smoothed, mixed)
 * @returns [B]; training minimises its mean
 * @throws ShapeError if the shapes differ or are not of rank 2
 *
 * The row maximum is subtracted first, so logits of ±1e4 and beyond are exact. Differentiable in both arguments.
 *
 * Source: timm's `SoftTargetCrossEntropy`.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  assertRank('logits', logits, 2);
  assertShape('targets', targets, logits.shape);
  return tf.tidy(() => softmaxCrossEntropyKernel({ logits, targets }, {})[0] as tf.Tensor1D);
}

// `SoftmaxCrossEntropy` in plain tfjs ops.
function referenceSoftmaxCrossEntropy(inputs: CrossEntropyInputs): tf.Tensor[] {
  const { logits, targets } = inputs;
  const logProbabilities = logSoftmax(logits);
  const loss = tf.neg(tf.sum(tf.mul(targets, logProbabilities), 1));
  const mass = tf.sum(targets, 1, true);
  return [loss, tf.sub(tf.mul(tf.exp(logProbabilities), mass), targets)];
}

const softmaxCrossEntropyKernel = defineKernel(kernels.SoftmaxCrossEntropy, {
  reference: referenceSoftmaxCrossEntropy,
  gradient: {
    saveInputs: ['logits'],
    saveOutputs: [false, true],
    of: ([dLoss], [logits, dLogits]) => {
      const weight = tf.expandDims(dLoss!, 1);
      return {
        logits: () => tf.mul(dLogits!, weight),
        targets: () => tf.neg(tf.mul(logSoftmax(logits!), weight)),
      };
    },
  },
});

/**
 * log softmax of each row: z − max z − log Σ_k exp(z_k − max z).
 *
 * It is made of plain ops because the kernel of this name in tfjs's wasm backend leaks a buffer at each call.
 *
 * @param logits  [B, K]
 */
export function logSoftmax(logits: tf.Tensor): tf.Tensor {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
}
