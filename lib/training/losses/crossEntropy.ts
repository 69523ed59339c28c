// Cross-entropy of a softmax as a loss: with soft targets, and with labels.

import { assertKind } from '../../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { assertInteger, assertNumber, assertRank } from '../../core/check.ts';
import { softmaxCrossEntropy } from '../../ops/softmaxCrossEntropy.ts';

/**
 * The mean over the batch of the cross-entropy with soft targets (one-hot, smoothed or mixed).
 *
 * loss = −(1/B) Σ_b Σ_k targets[b,k]·log softmax_k(logits[b,:])
 *
 * @param logits   [B, K]
 * @param targets  [B, K]; each row usually sums to 1
 * @returns a scalar
 *
 * Source: timm's `SoftTargetCrossEntropy`.
 */
export function softTargetCrossEntropyLoss(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return t.mean<tf.Scalar>(softmaxCrossEntropy(logits, targets));
}

/**
 * The mean over the batch of the cross-entropy with labels, smoothed by `smoothing`.
 *
 * target[b,k] = ε/K for each class, plus 1 − ε for the label
 *
 * @param logits             [B, K]
 * @param labels             [B] classes, 0 … K − 1
 * @param options.smoothing  ε, 0 … 1; default 0
 * @returns a scalar
 * @throws InputError for a label that is no class
 *
 * Source: timm's `LabelSmoothingCrossEntropy`; without smoothing torch's `CrossEntropyLoss`.
 */
export function crossEntropyLoss(
  logits: tf.Tensor2D,
  labels: ArrayLike<number>,
  options: { smoothing?: number } = {},
): tf.Scalar {
  assertRank('logits', logits, 2);
  assertKind('labels', labels, 'array');
  assertKind('options of crossEntropyLoss', options, 'instance');
  const { smoothing = 0 } = options;
  assertNumber('smoothing', smoothing, { min: 0, max: 1 });
  const classes = logits.shape[1];
  const targets = new Float32Array(labels.length * classes).fill(smoothing / classes);
  for (let row = 0; row < labels.length; row += 1) {
    const label = labels[row]!;
    assertInteger('label', label, { min: 0, max: classes - 1 });
    targets[row * classes + label]! += 1 - smoothing;
  }
  return t.tidy(() =>
    softTargetCrossEntropyLoss(logits, t.tensor2d(targets, [labels.length, classes])),
  );
}
