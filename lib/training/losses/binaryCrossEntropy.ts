// Binary cross-entropy as a loss, for each class by itself.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { binaryCrossEntropy } from '../../ops/binaryCrossEntropy.ts';

/**
 * The mean over batch and classes of the sigmoid cross-entropy.
 *
 * loss = (1/BK) Σ_bk −(t·log σ(z) + (1 − t)·log(1 − σ(z)))
 *
 * @param logits   z, [B, K]
 * @param targets  t, [B, K], each in [0, 1]
 * @returns a scalar
 *
 * Source: torch's `BCEWithLogitsLoss`; timm's `BinaryCrossEntropy` without a threshold.
 */
export function binaryCrossEntropyLoss(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return t.mean<tf.Scalar>(binaryCrossEntropy(logits, targets));
}
