// The costs of our own kernels, one entry a kernel. Inputs and attributes are typed by the kernel's contract, and a kernel
// without an entry does not compile.

import type * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../core/check.ts';
import { MlpBranch } from '../core/kernels.ts';
import type { BranchChainAttrs, KernelContracts, KernelName } from '../core/kernels.ts';
import type { Formula } from './cost.ts';

type OwnCosts = {
  readonly [K in KernelName]: (call: {
    inputs: KernelContracts[K]['inputs'];
    attrs: KernelContracts[K]['attrs'];
  }) => Formula;
};

/** The formula of each kernel of ours; operations of the formulas in `core/kernels.ts`, counted for an element. */
export const ownCosts: OwnCosts = {
  VitLinear: ({ inputs: { x, weight } }) => ({ macs: sizeOf(x.shape) * weight.shape[0] }),
  VitMatMul: ({ inputs: { a, b }, attrs: { transposeB } }) => ({
    macs: sizeOf(a.shape) * b.shape.at(transposeB ? -2 : -1)!,
  }),
  VitRoundBf16: () => ({ flops: 0 }),
  VitBiasGrad: ({ inputs: { dOut } }) => perElement(dOut, 1),
  VitLayerNorm: ({ inputs: { x } }) => perElement(x, 7),
  VitLayerNormGrad: ({ inputs: { x } }) => perElement(x, 13),
  VitBatchNorm: ({ inputs: { x } }) => perElement(x, 7),
  VitBatchNormGrad: ({ inputs: { x } }) => perElement(x, 11),
  // Two products: q·kᵀ and the probabilities with v.
  VitAttention: ({ inputs: { q, k } }) => ({ macs: 2 * sizeOf(q.shape) * k.shape[2] }),
  // Five: q·kᵀ again, dOut·vᵀ, and one for each gradient.
  VitAttentionGrad: ({ inputs: { q, k } }) => ({ macs: 5 * sizeOf(q.shape) * k.shape[2] }),
  VitQkvAttention: ({ inputs: { qkv } }) => ({ macs: (2 * pairsOf(qkv)) / 3 }),
  VitQkvAttentionGrad: ({ inputs: { qkv } }) => ({ macs: (5 * pairsOf(qkv)) / 3 }),
  VitMlpBranch: ({ inputs: { x, fc1 } }) => ({ macs: 2 * productOf(x, fc1) }),
  // Each of the two products has one gradient of its input and one of its weight.
  VitMlpBranchGrad: ({ inputs: { x, fc1 } }) => ({ macs: 4 * productOf(x, fc1) }),
  VitAttentionBranch: ({ inputs: { x, qkv, proj } }) => ({
    macs: productOf(x, qkv) + productOf(x, proj) + 2 * pairsOf(x),
  }),
  VitAttentionBranchGrad: ({ inputs: { x, qkv, proj } }) => ({
    macs: 2 * (productOf(x, qkv) + productOf(x, proj)) + 5 * pairsOf(x),
  }),
  VitBranchChain: ({ inputs, attrs }) => ({ macs: macsOfChain(inputs, attrs) }),
  VitGelu: ({ inputs: { x } }) => perElement(x, 5),
  VitGeluGrad: ({ inputs: { x } }) => perElement(x, 11),
  VitSoftmaxCrossEntropy: ({ inputs: { logits } }) => perElement(logits, 10),
  VitBinaryCrossEntropy: ({ inputs: { logits } }) => perElement(logits, 12),
  VitPatchify: () => ({ flops: 0 }),
  VitPatchifyGrad: () => ({ flops: 0 }),
  // A quarter of the inputs are parameters, a half of them averages.
  VitAdamW: ({ inputs }) => ({ flops: (14 * elementsOf(inputs)) / 4 }),
  VitAdamWNorm: ({ inputs }) => ({ flops: (20 * elementsOf(inputs)) / 4 }),
  VitEma: ({ inputs }) => ({ flops: (3 * elementsOf(inputs)) / 2 }),
  VitGlobalNorm: ({ inputs }) => ({ flops: 2 * elementsOf(inputs) }),
};

function macsOfChain(inputs: readonly tf.Tensor[], { branches }: BranchChainAttrs): number {
  const x = inputs[0] as tf.Tensor3D;
  let next = 1;
  let macs = 0;
  for (const { kernel, names } of branches) {
    const own = (name: string) => inputs[next + names.indexOf(name)] as tf.Tensor2D;
    if (kernel === MlpBranch) macs += 2 * productOf(x, own('fc1'));
    else macs += productOf(x, own('qkv')) + productOf(x, own('proj')) + 2 * pairsOf(x);
    next += names.length;
  }
  return macs;
}

function perElement(x: tf.Tensor, operations: number): Formula {
  return { flops: operations * sizeOf(x.shape) };
}

// B·N·N·C = B·h·N·N·D: the multiply-adds of all queries with all keys.
function pairsOf({ shape: [batch, tokens, size] }: tf.Tensor3D): number {
  return batch * tokens * tokens * size;
}

// The multiply-adds of x [B, N, C] with a weight [O, C].
function productOf(x: tf.Tensor3D, weight: tf.Tensor2D): number {
  return sizeOf(x.shape) * weight.shape[0];
}

// The inputs of a kernel of many tensors are an array, or an object with its indices as keys.
function elementsOf(tensors: readonly tf.Tensor[]): number {
  return Object.values(tensors).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
