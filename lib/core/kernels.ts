// The names, inputs, attributes and outputs of our own kernels. An op asks the registry for a kernel by its name and a backend
// registers one, so neither imports the other. `KernelContracts`, at the end, is the table of all.
//
// All of them take and give contiguous float32. Outputs are new tensors: an input is never written. An optional input is left
// out, not undefined. Sums over many elements carry at least float32 in several partial sums. A kernel with matrix products has
// the attribute `precision` (see precision.ts); where it is absent or undefined, the products are in fp32.

import type * as tf from '@tensorflow/tfjs';
import type { Precision } from './precision.ts';

/** erf: x·Φ(x), exact; tanh: its tanh approximation; quick: x·σ(1.702 x). */
export type GeluForm = 'erf' | 'tanh' | 'quick';

/** y = act(x·Wᵀ (+ bias)). It has an activation only where no gradient will be asked for. */
export const Linear = 'VitLinear';
/** x [M, I], weight [O, I], bias [O] or left out. */
export interface LinearInputs {
  x: tf.Tensor2D;
  weight: tf.Tensor2D;
  bias?: tf.Tensor1D;
}
/** The activation that the linear op applies after the bias. */
export interface LinearAttrs {
  activation: 'none' | GeluForm;
  precision?: Precision | undefined;
}

/** y = a·b of each pair of matrices, in a precision; in fp32 the ops use tfjs's own product. */
export const MatMul = 'VitMatMul';
/** a [..., M, K] and b [..., K, N], transposed as the attributes say, with the same leading axes. */
export interface MatMulInputs {
  a: tf.Tensor;
  b: tf.Tensor;
}
/** The operands that are stored transposed. */
export interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
  precision: Precision;
}

/** y = the nearest bfloat16 of x, ties to even, as float32; any shape. */
export const RoundBf16 = 'VitRoundBf16';
/** x of any shape. */
export interface RoundBf16Inputs {
  x: tf.Tensor;
}

/** Σ over the rows of dOut [M, O] → [O]: the gradient of a bias. */
export const BiasGrad = 'VitBiasGrad';
/** dOut [M, O]. */
export interface BiasGradInputs {
  dOut: tf.Tensor2D;
}

/** y = (x − mean)·rstd·gamma + beta in each row; rstd = 1/√(variance + epsilon), variance divided by C. */
export const LayerNorm = 'VitLayerNorm';
/** x [M, C], gamma, beta [C]. */
export interface LayerNormInputs {
  x: tf.Tensor2D;
  gamma: tf.Tensor1D;
  beta: tf.Tensor1D;
}
/** epsilon is added to the variance, inside the root. */
export interface LayerNormAttrs {
  epsilon: number;
}

/** With x̂ = (x − mean)·rstd and g = dOut·gamma: dX = rstd·(g − mean(g) − x̂·mean(g·x̂)), dGamma = Σ dOut·x̂, dBeta = Σ dOut. */
export const LayerNormGrad = 'VitLayerNormGrad';
/** dOut, x [M, C], gamma [C], mean, rstd [M]. */
export interface LayerNormGradInputs {
  dOut: tf.Tensor2D;
  x: tf.Tensor2D;
  gamma: tf.Tensor1D;
  mean: tf.Tensor1D;
  rstd: tf.Tensor1D;
}

/** y = (x − mean)·rstd·gamma + beta in each column; rstd = 1/√(variance + epsilon), variance divided by M. */
export const BatchNorm = 'VitBatchNorm';
/** x [M, C], gamma, beta [C]. */
export interface BatchNormInputs {
  x: tf.Tensor2D;
  gamma: tf.Tensor1D;
  beta: tf.Tensor1D;
}
/** epsilon is added to the variance, inside the root. */
export interface BatchNormAttrs {
  epsilon: number;
}

/** With x̂ = (x − mean)·rstd: dBeta = Σ dOut, dGamma = Σ dOut·x̂, dX = gamma·rstd·(dOut − dBeta/M − x̂·dGamma/M), sums over rows. */
export const BatchNormGrad = 'VitBatchNormGrad';
/** dOut, x [M, C], gamma, mean, variance [C]. */
export interface BatchNormGradInputs {
  dOut: tf.Tensor2D;
  x: tf.Tensor2D;
  gamma: tf.Tensor1D;
  mean: tf.Tensor1D;
  variance: tf.Tensor1D;
}

/** out = softmax(scale·q·kᵀ)·v; logSumExp[b,h,i] = log Σ_j exp(scale·q_i·k_j), natural logarithm. */
export const Attention = 'VitAttention';
/** q [B, h, N, D], k, v [B, h, M, D]. */
export interface AttentionInputs {
  q: tf.Tensor4D;
  k: tf.Tensor4D;
  v: tf.Tensor4D;
}
/** The factor on q·kᵀ. In bf16 the products read q, k, v, exp(logit − row maximum), dOut and p·(dP − …) rounded. */
export interface AttentionAttrs {
  scale: number;
  precision?: Precision | undefined;
}

/** p = exp(scale·q·kᵀ − logSumExp), dP = dOut·vᵀ, dS = p·(dP − Σ_d dOut·out): dQ = scale·dS·k, dK = scale·dSᵀ·q, dV = pᵀ·dOut. */
export const AttentionGrad = 'VitAttentionGrad';
/** dOut, q, out [B, h, N, D], k, v [B, h, M, D], logSumExp [B, h, N]. */
export interface AttentionGradInputs extends AttentionInputs {
  dOut: tf.Tensor4D;
  out: tf.Tensor4D;
  logSumExp: tf.Tensor3D;
}

/** `Attention` on the packed result of timm's qkv layer; the heads' results are side by side in out, ready for proj. */
export const QkvAttention = 'VitQkvAttention';
/** qkv [B, N, 3·C]: in a row the q of every head, then the k, then the v; a head has D = C / numHeads neighbours. */
export interface QkvAttentionInputs {
  qkv: tf.Tensor3D;
}
/** C is divisible by numHeads. */
export interface QkvAttentionAttrs {
  numHeads: number;
  scale: number;
  precision?: Precision | undefined;
}

/** `AttentionGrad` on the packed form. */
export const QkvAttentionGrad = 'VitQkvAttentionGrad';
/** dOut, out [B, N, C], qkv [B, N, 3·C], logSumExp [B, h, N]. */
export interface QkvAttentionGradInputs extends QkvAttentionInputs {
  dOut: tf.Tensor3D;
  out: tf.Tensor3D;
  logSumExp: tf.Tensor3D;
}

/** y = x + keep·scale·(fc2·gelu(fc1·norm(x) + bias1) + bias2), the whole residual branch of an MLP. */
export const MlpBranch = 'VitMlpBranch';
/** y = x + keep·scale·(proj·attention(qkv·norm(x) + qkvBias) + projBias), the whole residual branch of attention. */
export const AttentionBranch = 'VitAttentionBranch';
/**
 * The inputs of both branches: x [B, N, C], gamma and beta of the norm [C], scale [C] or left out, keep [B] (the factor of each
 * sample's branch) or left out.
 */
export interface BranchInputs {
  x: tf.Tensor3D;
  gamma: tf.Tensor1D;
  beta: tf.Tensor1D;
  scale?: tf.Tensor1D;
  keep?: tf.Tensor1D;
}
/** fc1 [F, C], bias1 [F] or left out, fc2 [C, F], bias2 [C] or left out. */
export interface MlpBranchInputs extends BranchInputs {
  fc1: tf.Tensor2D;
  bias1?: tf.Tensor1D;
  fc2: tf.Tensor2D;
  bias2?: tf.Tensor1D;
}
/** qkv [3·C, C], qkvBias [3·C] or left out, proj [C, C], projBias [C] or left out. */
export interface AttentionBranchInputs extends BranchInputs {
  qkv: tf.Tensor2D;
  qkvBias?: tf.Tensor1D;
  proj: tf.Tensor2D;
  projBias?: tf.Tensor1D;
}
/** `recorded`: the kernel also saves what the backward pass reads, in a tensor whose layout only the gradient's kernel knows. */
export interface BranchAttrs {
  precision?: Precision;
  epsilon: number;
  recorded: boolean;
}
/** The form of gelu. */
export interface MlpBranchAttrs extends BranchAttrs {
  activation: GeluForm;
}
/** C is divisible by numHeads; scale is the factor on q·kᵀ. */
export interface AttentionBranchAttrs extends BranchAttrs {
  numHeads: number;
  scale: number;
}

/** Branches in sequence: the result of each is the x of the next. It runs only where no gradient will be asked for. */
export const BranchChain = 'VitBranchChain';
/**
 * The kernel of each branch, its attributes (`recorded` is false) and the names of its inputs besides x. The inputs of the chain are
 * x [B, N, C], then those of each branch in turn.
 */
export interface BranchChainAttrs {
  branches: readonly (
    | { kernel: typeof MlpBranch; attrs: MlpBranchAttrs; names: readonly string[] }
    | { kernel: typeof AttentionBranch; attrs: AttentionBranchAttrs; names: readonly string[] }
  )[];
}

/** The gradients of every given input of `MlpBranch` except keep. */
export const MlpBranchGrad = 'VitMlpBranchGrad';
/** The gradients of every given input of `AttentionBranch` except keep. */
export const AttentionBranchGrad = 'VitAttentionBranchGrad';
/** dOut [B, N, C], and the tensor that the forward pass saved. */
export interface BranchGradInputs {
  dOut: tf.Tensor3D;
  saved: tf.Tensor;
}

/** y = gelu(x), any shape. */
export const Gelu = 'VitGelu';
/** x of any shape. */
export interface GeluInputs {
  x: tf.Tensor;
}
/** The form of gelu, one of three functions. */
export interface GeluAttrs {
  form: GeluForm;
}

/** dX = dOut·gelu′(x), any shape; the derivative of the form itself, not of the exact function. */
export const GeluGrad = 'VitGeluGrad';
/** dOut and x, of the same shape. */
export interface GeluGradInputs {
  dOut: tf.Tensor;
  x: tf.Tensor;
}

/** loss = Σ_k t_k·(logSumExp(z) − z_k) of each row; dLogits = softmax(z)·Σt − t. */
export const SoftmaxCrossEntropy = 'VitSoftmaxCrossEntropy';
/** loss = mean_k (max(z, 0) − z·t + log(1 + exp(−|z|))) of each row; dLogits = (σ(z) − t) / K. */
export const BinaryCrossEntropy = 'VitBinaryCrossEntropy';
/** logits, targets [B, K]. */
export interface CrossEntropyInputs {
  logits: tf.Tensor2D;
  targets: tf.Tensor2D;
}

/** Non-overlapping patches, row by row, the elements of one ordered (channel, row, column). */
export const Patchify = 'VitPatchify';
/** x [B, H, W, I]. */
export interface PatchifyInputs {
  x: tf.Tensor4D;
}
/** H is divisible by patchHeight, W by patchWidth. */
export interface PatchifyAttrs {
  patchHeight: number;
  patchWidth: number;
}

/** The inverse of `Patchify`. */
export const PatchifyGrad = 'VitPatchifyGrad';
/** dOut [B, P, I·ph·pw]. */
export interface PatchifyGradInputs {
  dOut: tf.Tensor3D;
}
/** imageHeight and imageWidth are those of the images that were cut. */
export interface PatchifyGradAttrs extends PatchifyAttrs {
  imageHeight: number;
  imageWidth: number;
}

/**
 * One AdamW update (torch.optim.AdamW) of n tensors at once. For tensor i with gradient g, in float32:
 *
 * p₁ = p·(1 − lr_i·wd_i);  m' = β1·m + (1 − β1)·g;  v' = β2·v + (1 − β2)·g²;
 * p' = p₁ − lr_i / (1 − β1^step) · m' / (√v' / √(1 − β2^step) + epsilon)
 *
 * Scalars are computed in float64 and rounded once. Outputs in the order p' of all, m' of all, v' of all.
 */
export const AdamW = 'VitAdamW';
/** `step` counts from 1; `learningRates` and `weightDecays` have one number a tensor. */
export interface AdamWAttrs {
  learningRates: readonly number[];
  weightDecays: readonly number[];
  beta1: number;
  beta2: number;
  epsilon: number;
  step: number;
  /** The caller donates all inputs but the gradients: an output may lie in the memory of its input. */
  reuse?: boolean;
}

/** √Σ (p'² + m'² + v'²) over what `AdamW` of the same inputs and attributes would return. */
export const AdamWNorm = 'VitAdamWNorm';

/** average' = decay·average + (1 − decay)·value of n tensors. */
export const Ema = 'VitEma';
/** 0 ≤ decay ≤ 1. */
export interface EmaAttrs {
  decay: number;
  /** The caller donates the averages: an output may lie in the memory of its input. */
  reuse?: boolean;
}

/** √Σ‖t‖² over n tensors. */
export const GlobalNorm = 'VitGlobalNorm';

/**
 * Every kernel of ours: its inputs, attributes and outputs in order. The op of the same name holds its reference, and a backend
 * registers `{kernelName, backendName, kernelFunc}` for each that it does faster. The branches have no reference: on a backend
 * without their kernels, their ops run unfused.
 */
export interface KernelContracts {
  /** → y [M, O]. */
  VitLinear: { inputs: LinearInputs; attrs: LinearAttrs };
  /** → y [..., M, N]. */
  VitMatMul: { inputs: MatMulInputs; attrs: MatMulAttrs };
  /** → y. */
  VitRoundBf16: { inputs: RoundBf16Inputs; attrs: object };
  /** → dBias [O]. */
  VitBiasGrad: { inputs: BiasGradInputs; attrs: object };
  /** → y [M, C], mean [M], rstd [M]. */
  VitLayerNorm: { inputs: LayerNormInputs; attrs: LayerNormAttrs };
  /** → dX [M, C], dGamma, dBeta [C]. */
  VitLayerNormGrad: { inputs: LayerNormGradInputs; attrs: object };
  /** → y [M, C], mean, variance [C]. */
  VitBatchNorm: { inputs: BatchNormInputs; attrs: BatchNormAttrs };
  /** → dX [M, C], dGamma, dBeta [C]. */
  VitBatchNormGrad: { inputs: BatchNormGradInputs; attrs: BatchNormAttrs };
  /** → out [B, h, N, D], logSumExp [B, h, N]. */
  VitAttention: { inputs: AttentionInputs; attrs: AttentionAttrs };
  /** → dQ [B, h, N, D], dK, dV [B, h, M, D]. */
  VitAttentionGrad: { inputs: AttentionGradInputs; attrs: AttentionAttrs };
  /** → out [B, N, C], logSumExp [B, h, N]. */
  VitQkvAttention: { inputs: QkvAttentionInputs; attrs: QkvAttentionAttrs };
  /** → dQkv [B, N, 3·C]. */
  VitQkvAttentionGrad: { inputs: QkvAttentionGradInputs; attrs: QkvAttentionAttrs };
  /** → y [B, N, C], and `saved` if `recorded`. */
  VitMlpBranch: { inputs: MlpBranchInputs; attrs: MlpBranchAttrs };
  /** → dX [B, N, C], dGamma, dBeta, dFc1, dFc2, then of those given dScale, dBias1, dBias2. */
  VitMlpBranchGrad: { inputs: MlpBranchInputs & BranchGradInputs; attrs: MlpBranchAttrs };
  /** → y [B, N, C], and `saved` if `recorded`. */
  VitAttentionBranch: { inputs: AttentionBranchInputs; attrs: AttentionBranchAttrs };
  /** → dX [B, N, C], dGamma, dBeta, dQkv, dProj, then of those given dScale, dQkvBias, dProjBias. */
  VitAttentionBranchGrad: {
    inputs: AttentionBranchInputs & BranchGradInputs;
    attrs: AttentionBranchAttrs;
  };
  /** Inputs as `BranchChainAttrs` says → y [B, N, C]. */
  VitBranchChain: { inputs: readonly tf.Tensor[]; attrs: BranchChainAttrs };
  /** → y. */
  VitGelu: { inputs: GeluInputs; attrs: GeluAttrs };
  /** → dX. */
  VitGeluGrad: { inputs: GeluGradInputs; attrs: GeluAttrs };
  /** → loss [B], dLogits [B, K]. */
  VitSoftmaxCrossEntropy: { inputs: CrossEntropyInputs; attrs: object };
  /** → loss [B], dLogits [B, K]. */
  VitBinaryCrossEntropy: { inputs: CrossEntropyInputs; attrs: object };
  /** → patches [B, P, I·ph·pw]. */
  VitPatchify: { inputs: PatchifyInputs; attrs: PatchifyAttrs };
  /** → dX [B, H, W, I]. */
  VitPatchifyGrad: { inputs: PatchifyGradInputs; attrs: PatchifyGradAttrs };
  /** Inputs: parameters, gradients, first moments, second moments, n of each → 3·n tensors. */
  VitAdamW: { inputs: readonly tf.Tensor[]; attrs: AdamWAttrs };
  /** Inputs as `AdamW` → a scalar. */
  VitAdamWNorm: { inputs: readonly tf.Tensor[]; attrs: AdamWAttrs };
  /** Inputs: averages, values, n of each → n tensors. */
  VitEma: { inputs: readonly tf.Tensor[]; attrs: EmaAttrs };
  /** Inputs: n tensors → a scalar. */
  VitGlobalNorm: { inputs: readonly tf.Tensor[]; attrs: object };
}
/** The name of one of our kernels. */
export type KernelName = keyof KernelContracts;
