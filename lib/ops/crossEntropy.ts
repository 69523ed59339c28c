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
 * @returns [B]; the mean over it is what is trained
 * @throws ShapeError if the shapes differ or are not of rank 2
 *
 * The row maximum is subtracted first: exact for logits of ±1e4 and beyond. Differentiable in both arguments.
 *
 * Source: timm's `SoftTargetCrossEntropy`.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D {
  checkRows(logits, targets);
  return tf.tidy(() => softmaxCrossEntropyKernel({ logits, targets }, {})[0] as tf.Tensor1D);
}

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
  checkRows(logits, targets);
  return tf.tidy(() => binaryCrossEntropyKernel({ logits, targets }, {})[0] as tf.Tensor1D);
}

/** `SoftmaxCrossEntropy` in plain tfjs ops. */
export function referenceSoftmaxCrossEntropy(inputs: CrossEntropyInputs): tf.Tensor[] {
  const { logits, targets } = inputs;
  const logProbabilities = logSoftmax(logits);
  const loss = tf.neg(tf.sum(tf.mul(targets, logProbabilities), 1));
  const mass = tf.sum(targets, 1, true);
  return [loss, tf.sub(tf.mul(tf.exp(logProbabilities), mass), targets)];
}

/** `BinaryCrossEntropy` in plain tfjs ops. */
export function referenceBinaryCrossEntropy(inputs: CrossEntropyInputs): tf.Tensor[] {
  const { logits, targets } = inputs;
  const tail = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
  const each = tf.add(tf.sub(tf.relu(logits), tf.mul(logits, targets)), tail);
  const dLogits = tf.div(tf.sub(tf.sigmoid(logits), targets), logits.shape[1]);
  return [tf.mean(each, 1), dLogits];
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

function logSoftmax(logits: tf.Tensor): tf.Tensor {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
}

function checkRows(logits: tf.Tensor, targets: tf.Tensor): void {
  assertRank('logits', logits, 2);
  assertShape('targets', targets, logits.shape);
}
