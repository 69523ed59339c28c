// Kernels for int32 and bool.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { BINARY } from '../generated/enums.ts';
import { INT_REDUCE } from '../generated/enums.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { planBroadcast } from './broadcast.ts';
import { areInts, BACKEND_NAME, replaceKernel, type NativeCall } from './kernel.ts';

interface Two {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}
interface One {
  x: tf.TensorInfo;
}

/** Registers kernels for int32 and bool; other dtypes go to the kernels registered before. */
export function registerIntegers(): void {
  registerBinaries();
  // Whole numbers stay as they are.
  for (const [kernelName, dtypes] of [
    [tf.Round, ['int32', 'bool']],
    [tf.Abs, ['bool']],
    [tf.Relu, ['bool']],
  ] as const)
    replaceKernel<One, object>(kernelName, ({ inputs: { x }, backend }) =>
      (dtypes as readonly string[]).includes(x.dtype) ? backend.reshaped(x, x.shape) : undefined,
    );
  replaceKernel<One, object>(tf.Relu6, ({ inputs: { x }, backend }) => clipped(backend, x, 6));
  replaceKernel<One, tf.StepAttrs>(tf.Step, ({ inputs: { x }, attrs, backend }) =>
    attrs.alpha === 0 ? clipped(backend, x, 1) : undefined,
  );
  for (const [kernelName, value] of [
    [tf.IsNan, 0],
    [tf.IsInf, 0],
    [tf.IsFinite, 1],
  ] as const)
    replaceKernel<One, object>(kernelName, ({ inputs: { x }, backend }) => {
      if (!isWhole(x)) return undefined;
      const { info, values } = backend.boolOutput(x.shape);
      backend.binding.fill(value, values);
      return info;
    });
  for (const kernelName of [tf.Exp, tf.LeakyRelu, tf.Prelu]) computeInFloats(kernelName);
  registerProduct();
}

function registerBinaries(): void {
  replaceKernel<Two, object>(tf.Pow, ({ inputs: { a, b }, backend }) => {
    if (!areInts(a, b)) return undefined;
    const plan = planBroadcast(a.shape, b.shape);
    if (plan === undefined) return undefined;
    const { info, values } = backend.intOutput(plan.shape);
    const [left, right] = [ints(backend, a), ints(backend, b)];
    if (backend.binding.powerInt(plan.walk, left, right, values)) return info;
    backend.disposeIntermediateTensorInfo(info);
    return undefined;
  });
  replaceKernel<tf.TensorInfo[], object>(tf.AddN, ({ inputs, backend }) => {
    const [first, ...rest] = [...inputs] as [tf.TensorInfo, ...tf.TensorInfo[]];
    const same = (part: tf.TensorInfo): boolean =>
      part.dtype === first.dtype && tf.util.arraysEqual(part.shape, first.shape);
    if (!isWhole(first) || !rest.every(same)) return undefined;
    let sum = backend.reshaped(first, first.shape);
    for (const part of rest) {
      const { info, values } = backend.outputOf(first.dtype, first.shape);
      const walk = [values.length, 1, 1];
      const [left, right] = [backend.elements(sum), backend.elements(part)];
      backend.binding.binary(BINARY.add, walk, left, right, values);
      backend.disposeIntermediateTensorInfo(sum);
      sum = info;
    }
    return sum;
  });
}

function clipped(
  backend: NativeBackend,
  x: tf.TensorInfo,
  high: number,
): tf.TensorInfo | undefined {
  if (x.dtype !== 'int32') return undefined;
  const { info, values } = backend.intOutput(x.shape);
  backend.binding.clip(ints(backend, x), 0, high, values);
  return info;
}

// The result of these is float32 whatever they are given.
function computeInFloats(kernelName: string): void {
  const { kernelFunc } = tf.getKernel(kernelName, BACKEND_NAME);
  replaceKernel<Record<string, tf.TensorInfo>, object>(kernelName, ({ inputs, attrs, backend }) => {
    const all = Object.entries(inputs);
    const fine = all.every(([, each]) => each.dtype === 'float32' || isWhole(each));
    if (!fine || all.every(([, each]) => each.dtype === 'float32')) return undefined;
    const floats = all.map(([name, each]) => [name, inFloats(backend, each)] as const);
    const out = kernelFunc({
      inputs: Object.fromEntries(floats),
      attrs: attrs as tf.NamedAttrMap,
      backend,
    });
    for (const [, each] of floats) backend.disposeIntermediateTensorInfo(each);
    return out;
  });
}

// Float32 holds the sums of products that are small enough, and then no order of them rounds.
function registerProduct(): void {
  const { kernelFunc } = tf.getKernel(tf.BatchMatMul, BACKEND_NAME);
  const matMul = ({ inputs, attrs, backend }: NativeCall<Two, tf.BatchMatMulAttrs>) => {
    const { a, b } = inputs;
    if (!areInts(a, b) || sizeOf(a.shape) === 0 || sizeOf(b.shape) === 0) return undefined;
    const terms = a.shape.at(attrs.transposeA ? -2 : -1)!;
    if (terms * largest(backend, a) * largest(backend, b) > 2 ** 24) return undefined;
    const floats = [inFloats(backend, a), inFloats(backend, b)] as const;
    const named = { a: floats[0], b: floats[1] };
    const sums = kernelFunc({ inputs: named, attrs: { ...attrs }, backend }) as tf.TensorInfo;
    const { info, values } = backend.intOutput(sums.shape);
    backend.binding.cast(backend.floats(sums), values);
    for (const each of [...floats, sums]) backend.disposeIntermediateTensorInfo(each);
    return info;
  };
  replaceKernel<Two, tf.BatchMatMulAttrs>(tf.BatchMatMul, matMul);
}

function largest(backend: NativeBackend, x: tf.TensorInfo): number {
  const from = ints(backend, x);
  const ends = [INT_REDUCE.max, INT_REDUCE.min].map((op) => {
    const out = new Int32Array(1);
    backend.binding.reduceInts(op, 1, from.length, 1, from, out);
    return Math.abs(out[0]!);
  });
  return Math.max(...ends);
}

function inFloats(backend: NativeBackend, x: tf.TensorInfo): tf.TensorInfo {
  if (x.dtype === 'float32') return backend.reshaped(x, x.shape);
  const { info, values } = backend.output(x.shape);
  backend.binding.cast(backend.elements(x), values);
  return info;
}

function ints(backend: NativeBackend, x: tf.TensorInfo): Int32Array {
  return backend.elements(x) as Int32Array;
}

function isWhole({ dtype }: tf.TensorInfo): boolean {
  return dtype === 'int32' || dtype === 'bool';
}
