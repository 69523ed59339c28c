import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertRank, assertShape } from '../core/check.ts';
import * as kernels from '../core/kernels.ts';
import type { AttentionAttrs, AttentionGradInputs, AttentionInputs } from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';

/**
 * Options of `scaledDotProductAttention`.
 *
 * @property scale          factor on the logits; default 1/√D
 * @property probabilities  true: also return the softmax, [B, h, N, M]. It then holds 4·B·h·N·M bytes (30 MB a block for ViT-S/16
 *                          at B = 32), which a fused kernel never allocates
 * @property mapProbabilities  applied to the softmax before it meets the values, and its result is what is returned: dropout,
 *                          or `recordGradient`. Implies `probabilities`
 */
export interface AttentionOptions {
  scale?: number;
  probabilities?: boolean;
  mapProbabilities?: (probabilities: tf.Tensor4D) => tf.Tensor4D;
}

/** What `scaledDotProductAttention` returns. */
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
 * Without probabilities: one kernel, which subtracts the row maximum before exp and keeps one number a row for the backward
 * pass, where the softmax is computed again. With them: plain ops, differentiable through the probabilities too. Both agree to
 * 1e-5 relative (float32). Differentiable in q, k and v.
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
  assertRank('q', q, 4);
  const [batch, heads, , headDim] = q.shape;
  assertShape('k', k, [batch, heads, -1, headDim]);
  assertShape('v', v, k.shape);
  const { scale = 1 / Math.sqrt(headDim), probabilities = false, mapProbabilities } = options;
  assertNumber('scale', scale);
  return tf.tidy((): AttentionResult => {
    if (!probabilities && mapProbabilities === undefined) {
      return { out: attentionKernel({ q, k, v }, { scale })[0] as tf.Tensor4D };
    }
    const softmax = tf.softmax<tf.Tensor4D>(tf.matMul(tf.mul(q, scale), k, false, true));
    const seen = mapProbabilities?.(softmax) ?? softmax;
    return { out: tf.matMul(seen, v), probabilities: seen };
  });
}

// `Attention` in plain tfjs ops.
function referenceAttention({ q, k, v }: AttentionInputs, { scale }: AttentionAttrs): tf.Tensor[] {
  const logits = tf.matMul(tf.mul(q, scale), k, false, true);
  const top = tf.max(logits, 3, true);
  const exponentials = tf.exp(tf.sub(logits, top));
  const sums = tf.sum(exponentials, 3, true);
  const out = tf.matMul(tf.div(exponentials, sums), v);
  return [out, tf.squeeze(tf.add(top, tf.log(sums)), [3])];
}

// `AttentionGrad` in plain tfjs ops.
function referenceAttentionGrad(
  { dOut, q, k, v, out, logSumExp }: AttentionGradInputs,
  { scale }: AttentionAttrs,
): tf.Tensor[] {
  const logits = tf.matMul(tf.mul(q, scale), k, false, true);
  const p = tf.exp(tf.sub(logits, tf.expandDims(logSumExp, 3)));
  const dP = tf.matMul(dOut, v, false, true);
  const rowDot = tf.sum(tf.mul(dOut, out), 3, true); // Σ_j p·dP of a row, without another [N, M] array
  const dLogits = tf.mul(tf.mul(p, tf.sub(dP, rowDot)), scale);
  return [
    tf.matMul(dLogits, k),
    tf.matMul(dLogits, q, true, false),
    tf.matMul(p, dOut, true, false),
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
