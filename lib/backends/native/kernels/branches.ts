// The residual branches of attention and the MLP, alone and in a chain, with their gradients.

import type * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import type {
  AttentionBranchAttrs,
  BranchChainAttrs,
  MlpBranchAttrs,
} from '../../../core/kernels.ts';
import { ACTIVATION, PRECISION } from '../binding.ts';
import type { BranchArguments, BranchArrays } from '../binding.ts';
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

// What tells the branch of an MLP from that of attention.
interface Shape {
  ofMlp: boolean;
  sizes: number[];
  epsilon: number;
  form: number;
}

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
  const sizes = [...x!.shape, fc1!.shape[0]!, PRECISION[precision]];
  return { ofMlp: true, sizes, epsilon, form: ACTIVATION[activation] };
}
function attentionShape({ x }: Named, { numHeads, scale, ...attrs }: AttentionBranchAttrs): Shape {
  const { epsilon, precision = 'fp32' } = attrs;
  const sizes = [...x!.shape, numHeads, PRECISION[precision]];
  return { ofMlp: false, sizes, epsilon, form: scale };
}

// With more rows than these, packing the weights again costs less than a few percent.
const FEW_ROWS = 2048;

// What a chain's sizes, scalars and arrays are: the same for every run of it on an x of the same shape.
interface ChainPlan {
  isa: string;
  shape: readonly number[];
  sizes: number[];
  reals: number[];
  parts: ChainPart[];
}
interface ChainPart {
  // Where each of BranchArrays is among the inputs, -1: there is none; and the two weights.
  at: readonly number[];
  first: number;
  last: number;
  readyAt: number; // in sizes
  memory: PackedMemory | undefined;
}
const plans = new WeakMap<BranchChainAttrs['branches'], ChainPlan>();

function chain(
  backend: NativeBackend,
  inputs: readonly tf.TensorInfo[],
  { branches }: BranchChainAttrs,
): tf.TensorInfo {
  const x = inputs[0]!;
  // Before anything is packed: that may give memory back which a branch further on still reads.
  const y = backend.output(x.shape);
  const { sizes, reals, parts } = planOf(backend, inputs, branches);
  const arrays: (Float32Array | null)[] = [];
  for (const { at, first, last, readyAt, memory } of parts) {
    const weights = [inputs[first]!, inputs[last]!] as const;
    const packed = memory && backend.derived(weights, memory.layout, memory.floats);
    sizes[readyAt] = packed?.ready === true ? 1 : 0;
    for (const index of at) arrays.push(index < 0 ? null : backend.floats(inputs[index]!));
    arrays.push(packed?.values ?? null);
  }
  backend.binding.branchChain(sizes, reals, arrays, backend.floats(x), y.values);
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
  const plan: ChainPlan = { isa, shape: [...shape], sizes: [], reals: [], parts: [] };
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
    plan.sizes.push(...shaped.sizes, ofMlp ? 1 : 0, 0);
    plan.reals.push(shaped.epsilon, shaped.form);
    plan.parts.push({
      at: all.map((info) => indices.get(info) ?? -1),
      first: indices.get(first)!,
      last: indices.get(last)!,
      readyAt: plan.sizes.length - 1,
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
  const { sizes, ofMlp } = shape;
  const y = backend.output(layers.x.shape);
  const saved = recorded ? backend.output([binding.branchMemory(sizes, ofMlp, false)]) : undefined;
  const packed = recorded ? undefined : packedWeights(backend, layers, shape);
  const all = [
    ...argumentsOf(backend, layers, shape),
    saved?.values ?? null,
    y.values,
    packed?.values ?? null,
    packed?.ready ?? false,
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

// What the packed weights of a branch of few rows take, undefined for one of many.
interface PackedMemory {
  layout: string;
  floats: number;
}
function packedMemory(
  { binding }: NativeBackend,
  { ofMlp, sizes }: Shape,
): PackedMemory | undefined {
  if (sizes[0]! * sizes[1]! > FEW_ROWS) return undefined;
  const layout = `${binding.isa()} ${ofMlp} ${sizes.slice(2).join()}`;
  return { layout, floats: binding.branchMemory(sizes, ofMlp, true) };
}

// What the forward pass kept is read once, and goes before the gradients of the branches before this one need memory. Who asks again,
// as the gradient of a gradient does, has it computed again.
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
  const args = [
    ...argumentsOf(backend, layers, shape),
    backend.floats(again?.[1] ?? saved),
    backend.floats(dOut),
    dX.values,
    dGamma.values,
    dBeta.values,
    dScale?.values ?? null,
    dFirst.values,
    dFirstBias?.values ?? null,
    dLast.values,
    dLastBias?.values ?? null,
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

function argumentsOf(backend: NativeBackend, layers: Layers, shape: Shape): BranchArguments {
  const x = backend.floats(layers.x);
  return [shape.sizes, shape.epsilon, shape.form, x, ...arraysOf(backend, layers)];
}

function arraysOf(backend: NativeBackend, layers: Layers): BranchArrays {
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
