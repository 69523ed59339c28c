// Attention, with q, k and v apart or in one tensor.

import type * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import type { AttentionAttrs, QkvAttentionAttrs } from '../../../core/kernels.ts';
import { attentionDescriptor } from '../generated/descriptors.ts';
import { replaceKernel } from './kernel.ts';

type Infos<K extends string> = Record<K, tf.TensorInfo>;
type Four = [number, number, number, number];

/**
 * Registers attention in its two forms, with their gradients. None of them keeps a tensor of N·N elements, but in bf16, which the
 * addon's attention does not compute yet: there the reference runs.
 */
export function registerAttention(): void {
  registerSeparate();
  registerPacked();
}

function registerSeparate(): void {
  replaceKernel<Infos<'q' | 'k' | 'v'>, AttentionAttrs>(
    kernels.Attention,
    ({ inputs: { q, k, v }, attrs: { scale, precision }, backend }) => {
      if (precision === 'bf16') return undefined;
      const [batch, heads, queries, dim] = q.shape as Four;
      const out = backend.output(q.shape);
      const logSumExp = backend.output([batch, heads, queries]);
      backend.binding.attention(
        attentionDescriptor({ batch, heads, queries, keys: k.shape[2]!, dim, scale }),
        backend.floats(q),
        backend.floats(k),
        backend.floats(v),
        out.values,
        logSumExp.values,
      );
      return [out.info, logSumExp.info];
    },
  );
  replaceKernel<Infos<'dOut' | 'q' | 'k' | 'v' | 'out' | 'logSumExp'>, AttentionAttrs>(
    kernels.AttentionGrad,
    ({ inputs: { dOut, q, k, v, out, logSumExp }, attrs: { scale, precision }, backend }) => {
      if (precision === 'bf16') return undefined;
      const [batch, heads, queries, dim] = q.shape as Four;
      const dQ = backend.output(q.shape);
      const dK = backend.output(k.shape);
      const dV = backend.output(v.shape);
      backend.binding.attentionGrad(
        attentionDescriptor({ batch, heads, queries, keys: k.shape[2]!, dim, scale }),
        backend.floats(q),
        backend.floats(k),
        backend.floats(v),
        backend.floats(dOut),
        backend.floats(out),
        backend.floats(logSumExp),
        dQ.values,
        dK.values,
        dV.values,
      );
      return [dQ.info, dK.info, dV.info];
    },
  );
}

function registerPacked(): void {
  replaceKernel<Infos<'qkv'>, QkvAttentionAttrs>(
    kernels.QkvAttention,
    ({ inputs: { qkv }, attrs: { numHeads, scale, precision }, backend }) => {
      if (precision === 'bf16') return undefined;
      const [batch, tokens, width] = qkv.shape as [number, number, number];
      const out = backend.output([batch, tokens, width / 3]);
      const logSumExp = backend.output([batch, numHeads, tokens]);
      backend.binding.qkvAttention(
        qkvDescriptor(qkv, numHeads, scale),
        backend.floats(qkv),
        out.values,
        logSumExp.values,
      );
      return [out.info, logSumExp.info];
    },
  );
  replaceKernel<Infos<'dOut' | 'qkv' | 'out' | 'logSumExp'>, QkvAttentionAttrs>(
    kernels.QkvAttentionGrad,
    ({ inputs: { dOut, qkv, out, logSumExp }, attrs, backend }) => {
      const { numHeads, scale, precision } = attrs;
      if (precision === 'bf16') return undefined;
      const { info, values } = backend.output(qkv.shape);
      backend.binding.qkvAttentionGrad(
        qkvDescriptor(qkv, numHeads, scale),
        backend.floats(qkv),
        backend.floats(dOut),
        backend.floats(out),
        backend.floats(logSumExp),
        values,
      );
      return info;
    },
  );
}

function qkvDescriptor(qkv: tf.TensorInfo, heads: number, scale: number): Float64Array {
  const [batch, tokens, width] = qkv.shape as [number, number, number];
  const dim = width / 3 / heads;
  return attentionDescriptor({ batch, heads, queries: tokens, keys: tokens, dim, scale });
}
