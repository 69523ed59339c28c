// Scaled dot-product attention of separate queries, keys and values.

import { assertFields } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertOneOf, assertRank, assertShape, assertTensor } from '../core/check.ts';
import { precisions, type Precision } from '../core/precision.ts';
import * as kernels from '../core/kernels.ts';
import type { AttentionAttrs, AttentionGradInputs, AttentionInputs } from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';
import { matMul } from './matMul.ts';
import { roundOperand } from './roundBf16.ts';

/**
 * Options of `scaledDotProductAttention`.
 *
 * @property scale          factor on the logits; default 1/√D
 * @property precision      precision of q·kᵀ, of the product with v, and of the five products of the gradient; default 'fp32'
 * @property probabilities  true: also return the softmax, [B, h, N, M]. It then holds 4·B·h·N·M bytes (30 MB a block for ViT-S/16
 *                          at B = 32), which a fused kernel never allocates
 */
export interface AttentionOptions {
  scale?: number;
  precision?: Precision | undefined;
  probabilities?: boolean;
}

/** The result of `scaledDotProductAttention`. */
export type AttentionResult = {
  out: tf.Tensor4D;
  probabilities?: tf.Tensor4D;
};

/**
 * Scaled dot-product attention over all heads.
 *
 * out[b,h,i,:] = Σ_j softmax_j(scale · q[b,h,i,:]·k[b,h,j,:]) v[b,h,j,:]
 *
 * @param q  queries, [B, h, N, D]
 * @param k  keys,    [B, h, M, D]
 * @param v  values,  [B, h, M, D]
 * @returns `out`, [B, h, N, D]; `probabilities`, rows summing to 1, only if asked for
 * @throws ShapeError if B, h or D differ between q, k and v, or if k and v differ in M
 *
 * Differentiable in q, k and v. Without probabilities it is one fused kernel, which subtracts the row maximum before exp and saves
 * one number a row for the backward pass, where the softmax is recomputed. With probabilities it is plain ops, differentiable
 * through the probabilities too. Both agree to 1e-5 relative in float32, and to 1e-2 in bf16, where the kernel rounds the
 * exponentials and the plain ops round the probabilities.
 *
 * Source: Vaswani et al. 2017, eq. 1; recomputation as in Dao et al. 2022, alg. 4.
 *
 * @example
 * const {out} = scaledDotProductAttention(q, k, v);                      // training
 * const {probabilities} = scaledDotProductAttention(q, k, v, {probabilities: true});
 */
export function scaledDotProductAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  options: AttentionOptions = {},
): AttentionResult {
  assertFields('options', options, { probabilities: 'boolean?' });
  assertRank('q', q, 4);
  assertTensor('k', k);
  assertTensor('v', v);
  const [batch, heads, , headDim] = q.shape;
  assertShape('k', k, [batch, heads, -1, headDim]);
  assertShape('v', v, k.shape);
  const { scale = 1 / Math.sqrt(headDim), precision = 'fp32', probabilities = false } = options;
  assertNumber('scale', scale);
  assertOneOf('precision', precision, precisions);
  return tf.tidy((): AttentionResult => {
    if (!probabilities) {
      return { out: attentionKernel({ q, k, v }, { scale, precision })[0] as tf.Tensor4D };
    }
    const softmax = tf.softmax<tf.Tensor4D>(attentionLogits(q, k, { scale, precision }));
    return { out: matMul(softmax, v, { precision }), probabilities: softmax };
  });
}

/** scale·q·kᵀ in plain ops, differentiable: [B, h, N, D] and [B, h, M, D] → [B, h, N, M]. */
export function attentionLogits(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  { scale, precision = 'fp32' }: { scale: number; precision?: Precision | undefined },
): tf.Tensor4D {
  return tf.tidy(() =>
    precision === 'fp32'
      ? tf.matMul<tf.Tensor4D>(tf.mul(q, scale), k, false, true)
      : tf.mul<tf.Tensor4D>(matMul(q, k, { transposeB: true, precision }), scale),
  );
}

// scale·q·kᵀ, with q rounded before it is scaled.
function scaledLogits(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  { scale, precision }: AttentionAttrs,
): tf.Tensor4D {
  const queries = tf.mul(roundOperand(precision, q), scale);
  return tf.matMul(queries, roundOperand(precision, k), false, true);
}

// `Attention` in plain tfjs ops.
function referenceAttention({ q, k, v }: AttentionInputs, attrs: AttentionAttrs): tf.Tensor[] {
  const { precision } = attrs;
  const logits = scaledLogits(q, k, attrs);
  const top = tf.max(logits, 3, true);
  const exponentials = tf.exp(tf.sub(logits, top));
  const sums = tf.sum(exponentials, 3, true);
  const weights = tf.div(roundOperand(precision, exponentials), sums);
  const out = tf.matMul(weights, roundOperand(precision, v));
  return [out, tf.squeeze(tf.add(top, tf.log(sums)), [3])];
}

// `AttentionGrad` in plain tfjs ops.
function referenceAttentionGrad(
  { dOut, q, k, v, out, logSumExp }: AttentionGradInputs,
  attrs: AttentionAttrs,
): tf.Tensor[] {
  const read = <T extends tf.Tensor>(x: T): T => roundOperand(attrs.precision, x);
  const logits = scaledLogits(q, k, attrs);
  const p = tf.exp(tf.sub(logits, tf.expandDims(logSumExp, 3)));
  const above = read(dOut);
  const dP = tf.matMul(above, read(v), false, true);
  const rowDot = tf.sum(tf.mul(dOut, out), 3, true); // Σ_j p·dP of a row, without another [N, M] array
  const dLogits = tf.mul(read(tf.mul(p, tf.sub(dP, rowDot))), attrs.scale);
  return [
    tf.matMul(dLogits, read(k)),
    tf.matMul(dLogits, read(q), true, false),
    tf.matMul(read(p), above, true, false),
  ];
}

/** Runs `AttentionGrad`; for the packed form. */
export const attentionGradKernel = defineKernel(kernels.AttentionGrad, {
  reference: referenceAttentionGrad,
});

/** Runs `Attention`; for the packed form. */
export const attentionKernel = defineKernel(kernels.Attention, {
  reference: referenceAttention,
  gradient: {
    saveInputs: ['q', 'k', 'v'],
    saveOutputs: [true, true],
    of: ([dOut], [q, k, v, out, logSumExp], attrs) => {
      const inputs = { dOut, q, k, v, out, logSumExp } as AttentionGradInputs;
      const [dQ, dK, dV] = attentionGradKernel(inputs, attrs);
      return { q: () => dQ!, k: () => dK!, v: () => dV! };
    },
  },
});
