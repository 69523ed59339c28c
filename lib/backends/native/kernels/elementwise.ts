import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import * as kernels from '../../../core/kernels.ts';
import { BINARY, COMPARE, UNARY, type Walk } from '../binding.ts';
import { broadcastStrides, makeWalk } from '../walk.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface Two {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}
interface Three {
  condition: tf.TensorInfo;
  t: tf.TensorInfo;
  e: tf.TensorInfo;
}
interface One {
  x: tf.TensorInfo;
}

/** Registers the kernels that treat each element alone, all in float32. */
export function registerElementwise(): void {
  for (const [kernelName, op] of binaryKernels) {
    replaceKernel<Two, object>(kernelName, ({ inputs: { a, b }, backend }) => {
      if (!areFloats(a, b)) return undefined;
      const plan = planBroadcast(a.shape, b.shape);
      if (plan === undefined) return undefined;
      const { info, values } = backend.output(plan.shape);
      backend.binding.binary(op, plan.walk, backend.floats(a), backend.floats(b), values);
      return info;
    });
  }
  for (const [kernelName, op] of compareKernels) {
    replaceKernel<Two, object>(kernelName, ({ inputs: { a, b }, backend }) => {
      if (!areFloats(a, b)) return undefined;
      const plan = planBroadcast(a.shape, b.shape);
      if (plan === undefined) return undefined;
      const { info, values } = backend.boolOutput(plan.shape);
      backend.binding.compare(op, plan.walk, backend.floats(a), backend.floats(b), values);
      return info;
    });
  }
  for (const [kernelName, op] of unaryKernels) {
    replaceKernel<One, { alpha?: number }>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      if (!areFloats(x)) return undefined;
      const { info, values } = backend.output(x.shape);
      backend.binding.unary(op, backend.floats(x), values, attrs?.alpha ?? 0);
      return info;
    });
  }
  replaceKernel<One, tf.ClipByValueAttrs>(tf.ClipByValue, ({ inputs: { x }, attrs, backend }) => {
    if (!areFloats(x)) return undefined;
    const { info, values } = backend.output(x.shape);
    backend.binding.clip(backend.floats(x), attrs.clipValueMin, attrs.clipValueMax, values);
    return info;
  });
  // The inherited kernel would leave integers in place under another name.
  replaceKernel<One, tf.CastAttrs>(tf.Cast, ({ inputs: { x }, attrs: { dtype }, backend }) => {
    if (dtype !== 'float32' || (x.dtype !== 'int32' && x.dtype !== 'bool')) return undefined;
    const { info, values } = backend.output(x.shape);
    values.set(backend.elements(x));
    return info;
  });
  replaceKernel<Three, object>(tf.Select, ({ inputs: { condition, t, e }, backend }) => {
    const same = sizeOf(condition.shape) === sizeOf(t.shape);
    if (!areFloats(t, e) || condition.dtype !== 'bool' || !same) return undefined;
    const { info, values } = backend.output(t.shape);
    const mask = backend.elements(condition) as Uint8Array;
    backend.binding.select(mask, backend.floats(t), backend.floats(e), values);
    return info;
  });
}

const binaryKernels = [
  [tf.Add, BINARY.add],
  [tf.Sub, BINARY.sub],
  [tf.Multiply, BINARY.mul],
  [tf.RealDiv, BINARY.div],
  [tf.Maximum, BINARY.maximum],
  [tf.Minimum, BINARY.minimum],
  [tf.SquaredDifference, BINARY.squaredDifference],
] as const;

const compareKernels = [
  [tf.Greater, COMPARE.greater],
  [tf.GreaterEqual, COMPARE.greaterEqual],
  [tf.Less, COMPARE.less],
  [tf.LessEqual, COMPARE.lessEqual],
  [tf.Equal, COMPARE.equal],
  [tf.NotEqual, COMPARE.notEqual],
] as const;

const unaryKernels = [
  [tf.Neg, UNARY.neg],
  [tf.Abs, UNARY.abs],
  [tf.Square, UNARY.square],
  [tf.Sqrt, UNARY.sqrt],
  [tf.Rsqrt, UNARY.rsqrt],
  [tf.Reciprocal, UNARY.reciprocal],
  [tf.Exp, UNARY.exp],
  [tf.Log, UNARY.log],
  [tf.Erf, UNARY.erf],
  [tf.Tanh, UNARY.tanh],
  [tf.Sigmoid, UNARY.sigmoid],
  [tf.Relu, UNARY.relu],
  [tf.Step, UNARY.step],
  [kernels.RoundBf16, UNARY.roundBf16],
] as const;

function planBroadcast(a: number[], b: number[]): { shape: number[]; walk: Walk } | undefined {
  if (tf.util.arraysEqual(a, b)) return { shape: a, walk: [sizeOf(a), 1, 1] };
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(a, b);
  const strideA = broadcastStrides(a, shape);
  const strideB = broadcastStrides(b, shape);
  const walk = makeWalk(shape.map((size, axis) => [size, strideA[axis]!, strideB[axis]!] as const));
  return walk === undefined ? undefined : { shape, walk };
}
