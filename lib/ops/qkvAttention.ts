// Self-attention on the packed result of a qkv layer.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertNumber, assertOneOf, assertRank } from '../core/check.ts';
import { precisions, type Precision } from '../core/precision.ts';
import { ShapeError, expected } from '../core/errors.ts';
import * as kernels from '../core/kernels.ts';
import type {
  QkvAttentionAttrs,
  QkvAttentionGradInputs,
  QkvAttentionInputs,
} from '../core/kernels.ts';
import { attentionGradKernel, attentionKernel } from './attention.ts';
import { defineKernel } from './kernel.ts';

/**
 * Self-attention on the packed result of a qkv layer.
 *
 * Head a of q is qkv[:, :, a·D … (a+1)·D]; its k starts C further, its v 2·C further. The head's result is
 * out[:, :, a·D … (a+1)·D]. It equals `scaledDotProductAttention` on `splitHeads(qkv)` and `mergeHeads`, without the copies.
 *
 * @param qkv  [B, N, 3·C]
 * @param options.numHeads  h; C is divisible by it, D = C / h
 * @param options.scale     factor on the logits; default 1/√D
 * @param options.precision  as for `scaledDotProductAttention`
 * @returns [B, N, C]
 * @throws ShapeError if the last axis is not divisible by 3·numHeads
 *
 * Source: the layout of `timm.layers.Attention`.
 */
export function qkvAttention(
  qkv: tf.Tensor3D,
  options: { numHeads: number; scale?: number; precision?: Precision | undefined },
): tf.Tensor3D {
  assertKind('options of qkvAttention', options, 'instance');
  const { numHeads, scale, precision = 'fp32' } = options;
  const headDim = checkHeads(qkv, numHeads);
  const factor = scale ?? 1 / Math.sqrt(headDim);
  assertNumber('scale', factor);
  assertOneOf('precision', precision, precisions);
  const attrs = { numHeads, scale: factor, precision };
  return tf.tidy(() => qkvAttentionKernel({ qkv }, attrs)[0] as tf.Tensor3D);
}

/**
 * The q, k and v of every head, each [B, h, N, D], from a packed [B, N, 3·C].
 *
 * @throws ShapeError if the last axis is not divisible by 3·numHeads
 */
export function splitHeads(
  qkv: tf.Tensor3D,
  numHeads: number,
): [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D] {
  const headDim = checkHeads(qkv, numHeads);
  const [batch, tokens] = qkv.shape;
  const part = (index: number): tf.Tensor4D => {
    const size = numHeads * headDim;
    const packed = tf.slice(qkv, [0, 0, index * size], [batch, tokens, size]);
    return tf.transpose(tf.reshape(packed, [batch, tokens, numHeads, headDim]), [0, 2, 1, 3]);
  };
  return tf.tidy(() => [part(0), part(1), part(2)]);
}

/** [B, h, N, D] → [B, N, C]: the heads of a token side by side. */
export function mergeHeads(x: tf.Tensor4D): tf.Tensor3D {
  assertRank('x', x, 4);
  const [batch, heads, tokens, headDim] = x.shape;
  return tf.tidy(() => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * headDim]));
}

// `QkvAttention` by way of `Attention`, with the copies.
function referenceQkvAttention(
  { qkv }: QkvAttentionInputs,
  { numHeads, scale, precision }: QkvAttentionAttrs,
): tf.Tensor[] {
  const [batch, tokens, packed] = qkv.shape;
  // The transposition of the WebAssembly backend traps on an empty tensor (tfjs 4.22: divide by zero).
  if (qkv.size === 0) {
    return [tf.zeros([batch, tokens, packed / 3]), tf.zeros([batch, numHeads, tokens])];
  }
  const [q, k, v] = splitHeads(qkv, numHeads);
  const [out, logSumExp] = attentionKernel({ q, k, v }, { scale, precision });
  return [mergeHeads(out as tf.Tensor4D), logSumExp!];
}

// `QkvAttentionGrad` by way of `AttentionGrad`, with the copies.
function referenceQkvAttentionGrad(
  { dOut, qkv, out, logSumExp }: QkvAttentionGradInputs,
  { numHeads, scale, precision }: QkvAttentionAttrs,
): tf.Tensor[] {
  if (qkv.size === 0) return [tf.zerosLike(qkv)];
  const [batch, tokens, size] = out.shape;
  const heads = (x: tf.Tensor3D): tf.Tensor4D =>
    tf.transpose(tf.reshape(x, [batch, tokens, numHeads, size / numHeads]), [0, 2, 1, 3]);
  const [q, k, v] = splitHeads(qkv, numHeads);
  const inputs = { dOut: heads(dOut), q, k, v, out: heads(out), logSumExp };
  const parts = attentionGradKernel(inputs, { scale, precision });
  return [
    tf.concat(
      parts.map((part) => mergeHeads(part as tf.Tensor4D)),
      2,
    ),
  ];
}

const qkvAttentionGradKernel = defineKernel(kernels.QkvAttentionGrad, {
  reference: referenceQkvAttentionGrad,
});

const qkvAttentionKernel = defineKernel(kernels.QkvAttention, {
  reference: referenceQkvAttention,
  gradient: {
    saveInputs: ['qkv'],
    saveOutputs: [true, true],
    of: ([dOut], [qkv, out, logSumExp], attrs) => {
      const inputs = { dOut, qkv, out, logSumExp } as QkvAttentionGradInputs;
      return { qkv: () => qkvAttentionGradKernel(inputs, attrs)[0]! };
    },
  },
});

function checkHeads(qkv: tf.Tensor3D, numHeads: number): number {
  assertRank('qkv', qkv, 3);
  assertInteger('numHeads', numHeads, { min: 1 });
  const size = qkv.shape[2];
  if (size === 0 || size % (3 * numHeads) !== 0) {
    const what = `a last axis divisible by 3·numHeads = ${3 * numHeads}`;
    throw new ShapeError(expected(what, 'qkv', qkv.shape));
  }
  return size / (3 * numHeads);
}
