// The TypeScript type of the addon, the twin of native/*_binding.cc; nothing else says what a native call takes. What each kernel
// computes is said in native/kernels.h.

import type { AxisBinding } from './axisBinding.ts';
import type { CountingBinding } from './countingBinding.ts';
import type { Elements } from './elements.ts';
import type { IndexingBinding } from './indexingBinding.ts';
import type { SpatialBinding } from './spatialBinding.ts';

export type { Elements };

/**
 * Nested loops over two arrays: the sizes, outermost first, then the strides of the first array, then of the second.
 *
 * Strides count elements; 0 repeats. [3, 4, 4, 1, 0, 1] adds a row of 4 to each of 3 rows.
 */
export type Walk = readonly number[];

/** Numbers of `binary`, in the order of the C++ enumeration. */
export const BINARY = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  maximum: 4,
  minimum: 5,
  squaredDifference: 6,
  mod: 7,
  pow: 8,
  atan2: 9,
  prelu: 10,
  eluGrad: 11,
  bitwiseAnd: 12,
} as const;
/** Numbers of `compare`. */
export const COMPARE = {
  greater: 0,
  greaterEqual: 1,
  less: 2,
  lessEqual: 3,
  equal: 4,
  notEqual: 5,
} as const;
/** Numbers of `logical`. */
export const LOGICAL = { and: 0, or: 1 } as const;
/** Numbers of `test`. */
export const TEST = { isNan: 0, isInf: 1, isFinite: 2 } as const;
/** Numbers of `unary`. */
export const UNARY = {
  neg: 0,
  abs: 1,
  square: 2,
  sqrt: 3,
  rsqrt: 4,
  reciprocal: 5,
  exp: 6,
  log: 7,
  erf: 8,
  tanh: 9,
  sigmoid: 10,
  relu: 11,
  step: 12,
  copy: 13,
  roundBf16: 14,
  floor: 15,
  ceil: 16,
  round: 17,
  sign: 18,
  relu6: 19,
  leakyRelu: 20,
  elu: 21,
  selu: 22,
  softplus: 23,
  log1p: 24,
  expm1: 25,
  sin: 26,
  cos: 27,
  tan: 28,
  asin: 29,
  acos: 30,
  atan: 31,
  sinh: 32,
  cosh: 33,
  asinh: 34,
  acosh: 35,
  atanh: 36,
} as const;
/** Numbers of `reduce`. */
export const REDUCE = { sum: 0, mean: 1, max: 2, min: 3 } as const;
/** Numbers of an activation after a product; those from 0 are the forms of gelu. */
export const ACTIVATION = { none: -1, erf: 0, tanh: 1, quick: 2 } as const;
/** Numbers of a product's precision: that of its factors; sums are float32 in both. */
export const PRECISION = { fp32: 0, bf16: 1 } as const;

/** The arguments that every call of a residual branch begins with. */
export type BranchArguments = readonly [
  /** batch, tokens, dim, then hidden (MLP) or heads (attention), then the number of the precision. */
  sizes: readonly number[],
  epsilon: number,
  /** The number of the gelu (MLP), or the factor on q·kᵀ (attention). */
  form: number,
  x: Float32Array,
  ...arrays: BranchArrays,
];
/** What a branch reads besides x. */
export type BranchArrays = readonly [
  gamma: Float32Array,
  beta: Float32Array,
  scale: Float32Array | null,
  keep: Float32Array | null,
  firstWeight: Float32Array,
  firstBias: Float32Array | null,
  lastWeight: Float32Array,
  lastBias: Float32Array | null,
];
/** What follows them in the call of a forward pass. */
export type BranchResults = readonly [
  saved: Float32Array | null,
  y: Float32Array,
  /** Memory for the packed weights, or null for the addon's own. */
  packed: Float32Array | null,
  /** Whether it holds them from an earlier call. */
  ready: boolean,
];
/** What follows them in the call of a gradient. */
export type BranchGradArguments = readonly [
  saved: Float32Array,
  dY: Float32Array,
  dX: Float32Array,
  dGamma: Float32Array,
  dBeta: Float32Array,
  dScale: Float32Array | null,
  dFirstWeight: Float32Array,
  dFirstBias: Float32Array | null,
  dLastWeight: Float32Array,
  dLastBias: Float32Array | null,
];

/** What an AdamW step reads: an array of each list for a parameter. */
export type AdamWState = readonly [
  parameters: readonly Float32Array[],
  gradients: readonly Float32Array[],
  firstMoments: readonly Float32Array[],
  secondMoments: readonly Float32Array[],
];
/** The numbers of an AdamW step; `keep` and `rate` have one for each parameter. */
export type AdamWUpdate = readonly [
  keep: readonly number[],
  rate: readonly number[],
  beta1: number,
  beta2: number,
  epsilon: number,
  inverseRootCorrection2: number,
];

/** The addon. Every call checks its arguments and throws a TypeError for a wrong type, length or range. */
export interface NativeBinding
  extends AxisBinding, CountingBinding, IndexingBinding, SpatialBinding {
  isa(): string;
  /** Those that this processor and build run, the best last. */
  isas(): string[];
  setIsa(name: string): boolean;
  threads(): number;
  setThreads(count: number): void;
  misalignment(bytes: Uint8Array): number;
  gemm(
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    batch: number,
    m: number,
    n: number,
    k: number,
    aBatched: boolean,
    bBatched: boolean,
    transposeA: boolean,
    transposeB: boolean,
    bias: Float32Array | null,
    activation: number,
    precision: number,
  ): void;
  /** Of float32, or of int32 or bool where the operation is one of integers; a, b and out alike. */
  binary(op: number, walk: Walk, a: Elements, b: Elements, out: Elements): void;
  /** False where a power is not known exactly; then out holds anything. */
  powerInt(walk: Walk, a: Int32Array, b: Int32Array, out: Int32Array): boolean;
  compare(op: number, walk: Walk, a: Elements, b: Elements, out: Uint8Array): void;
  floorDiv(walk: Walk, a: Elements, b: Elements, out: Int32Array): void;
  logical(op: number, walk: Walk, a: Uint8Array, b: Uint8Array, out: Uint8Array): void;
  logicalNot(x: Uint8Array, out: Uint8Array): void;
  unary(op: number, x: Elements, out: Elements, alpha: number): void;
  test(op: number, x: Float32Array, out: Uint8Array): void;
  clip(x: Elements, low: number, high: number, out: Elements): void;
  addN(parts: readonly Float32Array[], out: Float32Array): void;
  cast(x: Elements, out: Elements): void;
  select(condition: Uint8Array, a: Elements, b: Elements, out: Elements): void;
  copy(
    walk: Walk,
    source: Elements,
    sourceOffset: number,
    target: Elements,
    targetOffset: number,
  ): void;
  fill(value: number, out: Elements): void;
  reduce(
    op: number,
    outer: number,
    n: number,
    inner: number,
    x: Float32Array,
    out: Float32Array,
  ): void;
  softmax(rows: number, cols: number, x: Float32Array, logarithm: boolean, out: Float32Array): void;
  layerNorm(
    rows: number,
    cols: number,
    x: Float32Array,
    gamma: Float32Array,
    beta: Float32Array,
    epsilon: number,
    y: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
  ): void;
  layerNormGrad(
    rows: number,
    cols: number,
    dOut: Float32Array,
    x: Float32Array,
    gamma: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    dX: Float32Array,
    dGamma: Float32Array,
    dBeta: Float32Array,
  ): void;
  gelu(form: number, x: Float32Array, y: Float32Array): void;
  geluGrad(form: number, dOut: Float32Array, x: Float32Array, dX: Float32Array): void;
  crossEntropy(
    binary: boolean,
    rows: number,
    cols: number,
    logits: Float32Array,
    targets: Float32Array,
    loss: Float32Array,
    dLogits: Float32Array,
  ): void;
  attention(
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    batch: number,
    heads: number,
    queries: number,
    keys: number,
    dim: number,
    scale: number,
    out: Float32Array,
    logSumExp: Float32Array,
  ): void;
  attentionGrad(
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    batch: number,
    heads: number,
    queries: number,
    keys: number,
    dim: number,
    scale: number,
    dOut: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
    dQ: Float32Array,
    dK: Float32Array,
    dV: Float32Array,
  ): void;
  qkvAttention(
    qkv: Float32Array,
    batch: number,
    heads: number,
    queries: number,
    keys: number,
    dim: number,
    scale: number,
    out: Float32Array,
    logSumExp: Float32Array,
  ): void;
  qkvAttentionGrad(
    qkv: Float32Array,
    batch: number,
    heads: number,
    queries: number,
    keys: number,
    dim: number,
    scale: number,
    dOut: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
    dQkv: Float32Array,
  ): void;
  /** Floats of `packed` (of the weights) or of `saved`, for the sizes of a branch. */
  branchMemory(sizes: readonly number[], ofMlp: boolean, ofWeights: boolean): number;
  mlpBranch(...args: [...BranchArguments, ...BranchResults]): void;
  mlpBranchGrad(...args: [...BranchArguments, ...BranchGradArguments]): void;
  attentionBranch(...args: [...BranchArguments, ...BranchResults]): void;
  attentionBranchGrad(...args: [...BranchArguments, ...BranchGradArguments]): void;
  /** Forward passes one after the other, in y; see native/branch_binding.cc. */
  branchChain(
    /** For each branch: batch, tokens, dim, hidden or heads, precision, 1 for an MLP, 1 where packed is ready. */
    sizes: readonly number[],
    /** Its epsilon and form. */
    reals: readonly number[],
    /** gamma, beta, scale, keep, firstWeight, firstBias, lastWeight, lastBias, packed. */
    arrays: readonly (Float32Array | null)[],
    x: Float32Array,
    y: Float32Array,
  ): void;
  adamw(
    ...args: [
      ...AdamWState,
      newParameters: readonly Float32Array[],
      newFirstMoments: readonly Float32Array[],
      newSecondMoments: readonly Float32Array[],
      ...AdamWUpdate,
    ]
  ): void;
  adamwSquares(...args: [...AdamWState, ...AdamWUpdate]): number;
  ema(
    averages: readonly Float32Array[],
    values: readonly Float32Array[],
    out: readonly Float32Array[],
    decay: number,
  ): void;
  sumOfSquares(tensors: readonly Float32Array[]): number;
}
