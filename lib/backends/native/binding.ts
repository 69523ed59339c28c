// The TypeScript type of the addon, the twin of native/*_binding.cc: the arguments of every native call. A `descriptor` is packed by
// the function of its name in generated/descriptors.ts. Each kernel is described in native/kernel_list.h.

import type { AxisBinding } from './axisBinding.ts';
import type { CountingBinding } from './countingBinding.ts';
import type { Elements } from './elements.ts';
import type { FractalBinding } from './fractalBinding.ts';
import type { PixelBinding } from './pixelBinding.ts';
import type { IndexingBinding } from './indexingBinding.ts';
import type { SpatialBinding } from './spatialBinding.ts';

export type { Elements };

/**
 * Nested loops over two arrays: the sizes, outermost first, then the strides of the first array, then of the second.
 *
 * Strides count elements; 0 repeats. [3, 4, 4, 1, 0, 1] adds a row of 4 to each of 3 rows.
 */
export type Walk = readonly number[];

/** The tensors of a residual branch besides x. */
export type BranchTensors = readonly [
  gamma: Float32Array,
  beta: Float32Array,
  scale: Float32Array | null,
  keep: Float32Array | null,
  firstWeight: Float32Array,
  firstBias: Float32Array | null,
  lastWeight: Float32Array,
  lastBias: Float32Array | null,
];
/** Their gradients, null where the tensor is; keep has none. */
export type BranchGradients = readonly [
  dGamma: Float32Array,
  dBeta: Float32Array,
  dScale: Float32Array | null,
  dFirstWeight: Float32Array,
  dFirstBias: Float32Array | null,
  dLastWeight: Float32Array,
  dLastBias: Float32Array | null,
];

/** The arguments of a branch's forward pass. */
export type BranchCall = readonly [
  descriptor: Float64Array,
  x: Float32Array,
  tensors: BranchTensors,
  /** Memory for the packed weights, or null for the addon's own. */
  packed: Float32Array | null,
  saved: Float32Array | null,
  y: Float32Array,
];
/** The arguments of a branch's backward pass. */
export type BranchGradCall = readonly [
  descriptor: Float64Array,
  x: Float32Array,
  tensors: BranchTensors,
  saved: Float32Array,
  dY: Float32Array,
  dX: Float32Array,
  gradients: BranchGradients,
];

/** The inputs of an AdamW step: in each list one array for a parameter. */
export type AdamWState = readonly [
  parameters: readonly Float32Array[],
  gradients: readonly Float32Array[],
  firstMoments: readonly Float32Array[],
  secondMoments: readonly Float32Array[],
];
/** The numbers of an AdamW step; `decay` and `rate` have one for each parameter. */
export type AdamWUpdate = readonly [
  descriptor: Float64Array,
  decay: readonly number[],
  rate: readonly number[],
];

/** The addon. Every call checks its arguments and throws a TypeError for a wrong type, length or range. */
export interface NativeBinding
  extends
    AxisBinding,
    CountingBinding,
    FractalBinding,
    IndexingBinding,
    PixelBinding,
    SpatialBinding {
  /** The number of the interface: INTERFACE of generated/descriptors.ts where the addon was built from these sources. */
  interfaceNumber(): number;
  isa(): string;
  /** The instruction sets that this processor and build run, the best last. */
  isas(): string[];
  setIsa(name: string): boolean;
  threads(): number;
  setThreads(count: number): void;
  misalignment(bytes: Uint8Array): number;
  gemm(
    descriptor: Float64Array,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    bias: Float32Array | null,
  ): void;
  /** a, b and out are all float32, or all int32 or bool where the operation is defined for integers. */
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
    descriptor: Float64Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
  ): void;
  attentionGrad(
    descriptor: Float64Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    dOut: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
    dQ: Float32Array,
    dK: Float32Array,
    dV: Float32Array,
  ): void;
  qkvAttention(
    descriptor: Float64Array,
    qkv: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
  ): void;
  qkvAttentionGrad(
    descriptor: Float64Array,
    qkv: Float32Array,
    dOut: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
    dQkv: Float32Array,
  ): void;
  /** Floats of `packed` (ofWeights) or of `saved`, for the descriptor of a branch. */
  branchMemory(descriptor: Float64Array, ofMlp: boolean, ofWeights: boolean): number;
  mlpBranch(...args: BranchCall): void;
  mlpBranchGrad(...args: BranchGradCall): void;
  attentionBranch(...args: BranchCall): void;
  attentionBranchGrad(...args: BranchGradCall): void;
  /** Forward passes one after the other, in y; see native/branch_binding.cc. */
  branchChain(
    /** For each branch 1 for an MLP, else 0, and its packed descriptor. */
    descriptors: Float64Array,
    /** For each branch its tensors, then packed. */
    tensors: readonly (Float32Array | null)[],
    x: Float32Array,
    y: Float32Array,
  ): void;
  adamw(
    ...args: [
      ...AdamWUpdate,
      ...AdamWState,
      newParameters: readonly Float32Array[],
      newFirstMoments: readonly Float32Array[],
      newSecondMoments: readonly Float32Array[],
    ]
  ): void;
  adamwSquares(...args: [...AdamWUpdate, ...AdamWState]): number;
  ema(
    averages: readonly Float32Array[],
    values: readonly Float32Array[],
    out: readonly Float32Array[],
    decay: number,
  ): void;
  sumOfSquares(tensors: readonly Float32Array[]): number;
}
