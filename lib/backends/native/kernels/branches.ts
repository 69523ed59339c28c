// The residual branches of attention and the MLP, alone and in a chain, with their gradients.

import type * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import type {
  AttentionBranchAttrs,
  BranchChainAttrs,
  MlpBranchAttrs,
} from '../../../core/kernels.ts';
import { ACTIVATION, PRECISION } from '../generated/enums.ts';
import type { BranchTensors } from '../binding.ts';
import {
  MLP_BRANCH_FIELDS,
  attentionBranchDescriptor,
  mlpBranchDescriptor,
} from '../generated/descriptors.ts';
import type { AttentionBranchDescriptor, MlpBranchDescriptor } from '../generated/descriptors.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { replaceKernel } from './kernel.ts';

// The inputs of a branch, its two layers under the names that hold for both.
interface Layers {
  x: tf.TensorInfo;
  gamma: tf.TensorInfo;
  beta: tf.TensorInfo;
  scale?: tf.TensorInfo | undefined;
  keep?: tf.TensorInfo | undefined;
  first: tf.TensorInfo;
  firstBias?: tf.TensorInfo | undefined;
  last: tf.TensorInfo;
  lastBias?: tf.TensorInfo | undefined;
}
interface GradInputs {
  dOut: tf.TensorInfo;
  saved: tf.TensorInfo;
}
type Named = Record<string, tf.TensorInfo>;

// The sizes and options of a branch of either kind.
type Shape =
  ({ ofMlp: true } & MlpBranchDescriptor) | ({ ofMlp: false } & AttentionBranchDescriptor);

/** Registers the two residual branches and their gradients. */
export function registerBranches(): void {
  replaceKernel<Named, MlpBranchAttrs>(kernels.MlpBranch, ({ inputs, attrs, backend }) =>
    forward(backend, mlpLayers(inputs), mlpShape(inputs, attrs), attrs.recorded),
  );
  replaceKernel<Named, MlpBranchAttrs>(kernels.MlpBranchGrad, ({ inputs, attrs, backend }) =>
    backward(backend, mlpLayers(inputs), mlpShape(inputs, attrs), inputs as unknown as GradInputs),
  );
  replaceKernel<tf.TensorInfo[], BranchChainAttrs>(
    kernels.BranchChain,
    ({ inputs, attrs, backend }) => chain(backend, inputs, attrs),
  );
  replaceKernel<Named, AttentionBranchAttrs>(
    kernels.AttentionBranch,
    ({ inputs, attrs, backend }) =>
      forward(backend, attentionLayers(inputs), attentionShape(inputs, attrs), attrs.recorded),
  );
  replaceKernel<Named, AttentionBranchAttrs>(
    kernels.AttentionBranchGrad,
    ({ inputs, attrs, backend }) => {
      const given = inputs as unknown as GradInputs;
      return backward(backend, attentionLayers(inputs), attentionShape(inputs, attrs), given);
    },
  );
}

function mlpLayers({ fc1, bias1, fc2, bias2, ...outer }: Named): Layers {
  return { ...outer, first: fc1, firstBias: bias1, last: fc2, lastBias: bias2 } as Layers;
}
function attentionLayers({ qkv, qkvBias, proj, projBias, ...outer }: Named): Layers {
  return { ...outer, first: qkv, firstBias: qkvBias, last: proj, lastBias: projBias } as Layers;
}
function mlpShape({ x, fc1 }: Named, { activation, ...attrs }: MlpBranchAttrs): Shape {
  const { epsilon, precision = 'fp32' } = attrs;
  const [batch, tokens, dim] = x!.shape as [number, number, number];
  return {
    ofMlp: true,
    batch,
    tokens,
    dim,
    hidden: fc1!.shape[0]!,
    precision: PRECISION[precision],
    epsilon,
    activation: ACTIVATION[activation],
    packedReady: false,
  };
}
function attentionShape({ x }: Named, { numHeads, scale, ...attrs }: AttentionBranchAttrs): Shape {
  const { epsilon, precision = 'fp32' } = attrs;
  const [batch, tokens, dim] = x!.shape as [number, number, number];
  return {
    ofMlp: false,
    batch,
    tokens,
    dim,
    heads: numHeads,
    precision: PRECISION[precision],
    epsilon,
    scale,
    packedReady: false,
  };
}

// With more rows than these, packing the weights again costs less than a few percent.
const FEW_ROWS = 2048;

// The descriptors and tensors of a chain, which are the same for every run of it on an x of the same shape.
interface ChainPlan {
  isa: string;
  shape: readonly number[];
  descriptors: Float64Array;
  parts: ChainPart[];
}
interface ChainPart {
  // The place of each of BranchTensors among the inputs, -1: there is none; and the two weights.
  at: readonly number[];
  first: number;
  last: number;
  readyAt: number; // in descriptors
  memory: PackedMemory | undefined;
}
// Numbers of a branch of a chain: its kind and its descriptor, whose last field is packedReady.
const LINK_FIELDS = 1 + MLP_BRANCH_FIELDS;
const plans = new WeakMap<BranchChainAttrs['branches'], ChainPlan>();

function chain(
  backend: NativeBackend,
  inputs: readonly tf.TensorInfo[],
  { branches }: BranchChainAttrs,
): tf.TensorInfo {
  const x = inputs[0]!;
  // Before anything is packed: that may give memory back which a branch further on still reads.
  const y = backend.output(x.shape);
  const { descriptors, parts } = planOf(backend, inputs, branches);
  const tensors: (Float32Array | null)[] = [];
  for (const { at, first, last, readyAt, memory } of parts) {
    const weights = [inputs[first]!, inputs[last]!] as const;
    const packed = memory && backend.derived(weights, memory.layout, memory.floats);
    descriptors[readyAt] = packed?.ready === true ? 1 : 0;
    for (const index of at) tensors.push(index < 0 ? null : backend.floats(inputs[index]!));
    tensors.push(packed?.values ?? null);
  }
  backend.binding.branchChain(descriptors, tensors, backend.floats(x), y.values);
  return y.info;
}

function planOf(
  backend: NativeBackend,
  inputs: readonly tf.TensorInfo[],
  branches: BranchChainAttrs['branches'],
): ChainPlan {
  const { shape } = inputs[0]!;
  const isa = backend.binding.isa();
  const known = plans.get(branches);
  if (known?.isa === isa && known.shape.every((size, i) => size === shape[i])) return known;
  const descriptors = new Float64Array(branches.length * LINK_FIELDS);
  const plan: ChainPlan = { isa, shape: [...shape], descriptors, parts: [] };
  let next = 1;
  for (const { kernel, attrs, names } of branches) {
    const own: Named = { x: inputs[0]! };
    const indices = new Map<tf.TensorInfo | undefined, number>();
    for (const name of names) {
      own[name] = inputs[next]!;
      indices.set(own[name], next++);
    }
    const ofMlp = kernel === kernels.MlpBranch;
    const layers = ofMlp ? mlpLayers(own) : attentionLayers(own);
    const shaped = ofMlp ? mlpShape(own, attrs) : attentionShape(own, attrs);
    const { gamma, beta, scale, keep, first, firstBias, last, lastBias } = layers;
    const all = [gamma, beta, scale, keep, first, firstBias, last, lastBias];
    const place = plan.parts.length * LINK_FIELDS;
    descriptors[place] = ofMlp ? 1 : 0;
    pack(shaped, false, descriptors, place + 1);
    plan.parts.push({
      at: all.map((info) => indices.get(info) ?? -1),
      first: indices.get(first)!,
      last: indices.get(last)!,
      readyAt: place + LINK_FIELDS - 1,
      memory: packedMemory(backend, shaped),
    });
  }
  plans.set(branches, plan);
  return plan;
}

function forward(
  backend: NativeBackend,
  layers: Layers,
  shape: Shape,
  recorded: boolean,
): tf.TensorInfo[] {
  const { binding } = backend;
  const { ofMlp } = shape;
  const y = backend.output(layers.x.shape);
  const saved = recorded
    ? backend.output([binding.branchMemory(pack(shape), ofMlp, false)])
    : undefined;
  const packed = recorded ? undefined : packedWeights(backend, layers, shape);
  const all = [
    pack(shape, packed?.ready),
    backend.floats(layers.x),
    tensorsOf(backend, layers),
    packed?.values ?? null,
    saved?.values ?? null,
    y.values,
  ] as const;
  if (ofMlp) binding.mlpBranch(...all);
  else binding.attentionBranch(...all);
  return saved === undefined ? [y.info] : [y.info, saved.info];
}

function packedWeights(
  backend: NativeBackend,
  { first, last }: Layers,
  shape: Shape,
): { values: Float32Array; ready: boolean } | undefined {
  const memory = packedMemory(backend, shape);
  return memory && backend.derived([first, last], memory.layout, memory.floats);
}

// The memory for the packed weights of a branch of few rows; undefined for one of many.
interface PackedMemory {
  layout: string;
  floats: number;
}
function packedMemory({ binding }: NativeBackend, shape: Shape): PackedMemory | undefined {
  const { ofMlp, batch, tokens, dim, precision } = shape;
  if (batch * tokens > FEW_ROWS) return undefined;
  const inner = shape.ofMlp ? shape.hidden : shape.heads;
  const layout = `${binding.isa()} ${ofMlp} ${dim},${inner},${precision}`;
  return { layout, floats: binding.branchMemory(pack(shape), ofMlp, true) };
}

// The saved values are read once and freed at once, before the gradients of earlier branches need memory. A second gradient from
// them, as for the gradient of a gradient, computes them again.
function backward(
  backend: NativeBackend,
  layers: Layers,
  shape: Shape,
  { dOut, saved }: GradInputs,
): tf.TensorInfo[] {
  const again = backend.isReleased(saved) ? forward(backend, layers, shape, true) : undefined;
  const like = (info: tf.TensorInfo | undefined) =>
    info === undefined ? undefined : backend.passingOutput(info.shape);
  const { x, gamma, beta, scale, first, firstBias, last, lastBias } = layers;
  const [dX, dGamma, dBeta, dFirst, dLast] = [x, gamma, beta, first, last].map((info) =>
    backend.passingOutput(info.shape),
  ) as Five;
  const [dScale, dFirstBias, dLastBias] = [scale, firstBias, lastBias].map(like);
  const { binding } = backend;
  const gradients = [
    dGamma.values,
    dBeta.values,
    dScale?.values ?? null,
    dFirst.values,
    dFirstBias?.values ?? null,
    dLast.values,
    dLastBias?.values ?? null,
  ] as const;
  const args = [
    pack(shape),
    backend.floats(x),
    tensorsOf(backend, layers),
    backend.floats(again?.[1] ?? saved),
    backend.floats(dOut),
    dX.values,
    gradients,
  ] as const;
  if (shape.ofMlp) binding.mlpBranchGrad(...args);
  else binding.attentionBranchGrad(...args);
  if (again === undefined) backend.release(saved);
  else for (const info of again) backend.disposeIntermediateTensorInfo(info);
  const all = [dX, dGamma, dBeta, dFirst, dLast, dScale, dFirstBias, dLastBias];
  return all.flatMap((output) => (output === undefined ? [] : [output.info]));
}

type Output = ReturnType<NativeBackend['output']>;
type Five = [Output, Output, Output, Output, Output];

// The descriptor of a branch, with packedReady, its last field, as given.
function pack(shape: Shape, packedReady = false, into?: Float64Array, at = 0): Float64Array {
  const packed = shape.ofMlp
    ? mlpBranchDescriptor(shape, into, at)
    : attentionBranchDescriptor(shape, into, at);
  if (packedReady) packed[at + MLP_BRANCH_FIELDS - 1] = 1;
  return packed;
}

function tensorsOf(backend: NativeBackend, layers: Layers): BranchTensors {
  const floats = (info: tf.TensorInfo) => backend.floats(info);
  const orNull = (info: tf.TensorInfo | undefined) => (info === undefined ? null : floats(info));
  const { gamma, beta, scale, keep, first, firstBias, last, lastBias } = layers;
  return [
    floats(gamma),
    floats(beta),
    orNull(scale),
    orNull(keep),
    floats(first),
    orNull(firstBias),
    floats(last),
    orNull(lastBias),
  ];
}
