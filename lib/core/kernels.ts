// The vocabulary of our own kernels: a name, its inputs and its attributes, said once. An op asks the registry for a kernel
// of the name, a backend registers one; neither imports the other. Optional inputs are left out, not undefined.

import type * as tf from '@tensorflow/tfjs';

/** y = x·Wᵀ (+ bias) (then an activation). x [M, I], weight [O, I], bias [O] → y [M, O]; with 'gelu' also the value before it. */
export const Linear = 'VitLinear';
export interface LinearInputs {
  x: tf.Tensor;
  weight: tf.Tensor;
  bias?: tf.Tensor;
}

/** x [M, C], gamma, beta [C], attribute epsilon → y [M, C], mean [M], rstd [M]. */
export const LayerNorm = 'VitLayerNorm';
/** dOut, x [M, C], gamma [C], mean, rstd [M] → dX [M, C], dGamma, dBeta [C]. */
export const LayerNormGrad = 'VitLayerNormGrad';
export interface LayerNormAttrs {
  epsilon: number;
}

/** q [B, h, N, D], k, v [B, h, M, D], attribute scale → out [B, h, N, D], logSumExp [B, h, N]. */
export const Attention = 'VitAttention';
/** dOut, q, k, v, out, logSumExp → dQ, dK, dV. */
export const AttentionGrad = 'VitAttentionGrad';
export interface AttentionAttrs {
  scale: number;
}

/** qkv [B, N, 3·C] (q, k, v of every head side by side, as timm's `qkv` Linear gives them) → out [B, N, C], logSumExp [B, h, N]. */
export const QkvAttention = 'VitQkvAttention';
/** dOut [B, N, C], qkv, out, logSumExp → dQkv [B, N, 3·C]. */
export const QkvAttentionGrad = 'VitQkvAttentionGrad';
export interface QkvAttentionAttrs {
  numHeads: number;
  scale: number;
}

/** x any shape, attribute form → y of the same shape. */
export const Gelu = 'VitGelu';
/** dOut, x → dX. */
export const GeluGrad = 'VitGeluGrad';
/** erf: x·Φ(x), exact; tanh: its tanh approximation; quick: x·σ(1.702 x). */
export type GeluForm = 'erf' | 'tanh' | 'quick';
export interface GeluAttrs {
  form: GeluForm;
}

/** logits, targets [B, K] → loss of each row [B], dLogits of each row's loss [B, K]. */
export const SoftmaxCrossEntropy = 'VitSoftmaxCrossEntropy';
/** logits, targets [B, K] → mean over K of each row [B], its dLogits [B, K]. */
export const BinaryCrossEntropy = 'VitBinaryCrossEntropy';

/** x [B, H, W, I], attributes patchHeight, patchWidth → patches [B, P, I·ph·pw], each ordered (channel, row, column). */
export const Patchify = 'VitPatchify';
/** dOut [B, P, I·ph·pw] → dX [B, H, W, I]. */
export const PatchifyGrad = 'VitPatchifyGrad';
export interface PatchifyAttrs {
  patchHeight: number;
  patchWidth: number;
}

/** One AdamW update of many parameters. Flat lists: parameters, gradients, first and second moments, in one order. */
export const AdamW = 'VitAdamW';
/** average ← decay·average + (1 − decay)·value, over many tensors. */
export const Ema = 'VitEma';
/** √Σ‖t‖² over many tensors → scalar. */
export const GlobalNorm = 'VitGlobalNorm';
