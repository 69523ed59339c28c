// Binary cross-entropy of logits against soft targets.

import * as tf from '@tensorflow/tfjs';
import { assertRank, assertShape } from '../core/check.ts';
import * as kernels from '../core/kernels.ts';
import type { CrossEntropyInputs } from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';

/**
 * Binary cross-entropy of logits against soft targets: the mean over the classes, for each row.
 *
 * loss[b] = mean_k −(t·log σ(z) + (1 − t)·log(1 − σ(z)));  dLogits = (σ(z) − t) / K
 *
 * @param logits   z, [B, K]
 * @param targets  t, [B, K], each in [0, 1]
 * @returns [B]
 * @throws ShapeError if the shapes differ or are not of rank 2
 *
 * Computed as max(z, 0) − z·t + log(1 + exp(−|z|)), which neither overflows nor loses small losses. Differentiable in both
 * arguments.
 *
 * Source: torch's `BCEWithLogitsLoss`; training with it as in Wightman et al. 2021, "ResNet strikes back".
 */
export function binaryCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  assertRank('logits', logits, 2);
  assertShape('targets', targets, logits.shape);
  return tf.tidy(() => binaryCrossEntropyKernel({ logits, targets }, {})[0] as tf.Tensor1D);
}

// `BinaryCrossEntropy` in plain tfjs ops.
function referenceBinaryCrossEntropy(inputs: CrossEntropyInputs): tf.Tensor[] {
  const { logits, targets } = inputs;
  const tail = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
  const each = tf.add(tf.sub(tf.relu(logits), tf.mul(logits, targets)), tail);
  const dLogits = tf.div(tf.sub(tf.sigmoid(logits), targets), logits.shape[1]);
  return [tf.mean(each, 1), dLogits];
}

const binaryCrossEntropyKernel = defineKernel(kernels.BinaryCrossEntropy, {
  reference: referenceBinaryCrossEntropy,
  gradient: {
    saveInputs: ['logits'],
    saveOutputs: [false, true],
    of: ([dLoss], [logits, dLogits]) => {
      const weight = tf.expandDims(dLoss!, 1);
      return {
        logits: () => tf.mul(dLogits!, weight),
        targets: () => tf.mul(logits!, tf.div(weight, -logits!.shape[1]!)),
      };
    },
  },
});
