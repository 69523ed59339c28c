// Unary and binary elementwise kernels.

import * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import { BINARY, UNARY } from '../generated/enums.ts';
import { areFloats, areInts, replaceKernel, type NativeKernel } from './kernel.ts';
import { planBroadcast } from './broadcast.ts';

interface Two {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}
interface One {
  x: tf.TensorInfo;
}

/** Registers the kernels that treat each number alone, in float32, and those of them that int32 and bool have too. */
export function registerElementwise(): void {
  for (const [kernelName, op] of binaryKernels) {
    replaceKernel<Two, object>(kernelName, binary(op));
  }
  for (const [kernelName, op] of unaryKernels) {
    replaceKernel<One, { alpha?: number }>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      if (!areFloats(x) && !(x.dtype === 'int32' && intUnaries.has(op))) return undefined;
      const { info, values } = backend.outputOf(x.dtype, x.shape);
      backend.binding.unary(op, backend.elements(x), values, attrs?.alpha ?? 0);
      return info;
    });
  }
  const prelu = binary(BINARY.prelu);
  replaceKernel<{ x: tf.TensorInfo; alpha: tf.TensorInfo }, object>(tf.Prelu, (call) => {
    const inputs = { a: call.inputs.x, b: call.inputs.alpha };
    return prelu({ ...call, inputs });
  });
  const eluGrad = binary(BINARY.eluGrad);
  replaceKernel<{ dy: tf.TensorInfo; y: tf.TensorInfo }, object>(tf.EluGrad, (call) => {
    const { dy: a, y: b } = call.inputs;
    if (!tf.util.arraysEqual(a.shape, b.shape)) return undefined;
    return eluGrad({ ...call, inputs: { a, b } });
  });
  replaceKernel<Two, object>(tf.FloorDiv, ({ inputs: { a, b }, backend }) => {
    if (!areFloats(a, b) && !areInts(a, b)) return undefined;
    const plan = planBroadcast(a.shape, b.shape);
    if (plan === undefined) return undefined;
    const { info, values } = backend.intOutput(plan.shape);
    backend.binding.floorDiv(plan.walk, backend.elements(a), backend.elements(b), values);
    return info;
  });
  replaceKernel<One, tf.ClipByValueAttrs>(tf.ClipByValue, ({ inputs: { x }, attrs, backend }) => {
    if (!areFloats(x) && !areInts(x)) return undefined;
    const { info, values } = backend.outputOf(x.dtype, x.shape);
    backend.binding.clip(backend.elements(x), attrs.clipValueMin, attrs.clipValueMax, values);
    return info;
  });
  replaceKernel<tf.TensorInfo[], object>(tf.AddN, ({ inputs, backend }) => {
    const parts = [...inputs];
    const { shape } = parts[0]!;
    const same = parts.every((part) => tf.util.arraysEqual(part.shape, shape));
    if (!areFloats(...parts) || !same) return undefined;
    const { info, values } = backend.output(shape);
    backend.binding.addN(
      parts.map((part) => backend.floats(part)),
      values,
    );
    return info;
  });
}

function binary(op: number): NativeKernel<Two, object> {
  return ({ inputs: { a, b }, backend }) => {
    const { dtype } = a;
    const served =
      (dtype === 'float32' && op !== BINARY.bitwiseAnd) ||
      (dtype === 'int32' && !floatBinaries.has(op)) ||
      (dtype === 'bool' && byteBinaries.has(op));
    if (!served || b.dtype !== dtype) return undefined;
    const plan = planBroadcast(a.shape, b.shape);
    if (plan === undefined) return undefined;
    const { info, values } = backend.outputOf(dtype, plan.shape);
    backend.binding.binary(op, plan.walk, backend.elements(a), backend.elements(b), values);
    return info;
  };
}

const binaryKernels = [
  [tf.Add, BINARY.add],
  [tf.Sub, BINARY.sub],
  [tf.Multiply, BINARY.mul],
  [tf.RealDiv, BINARY.div],
  [tf.Maximum, BINARY.maximum],
  [tf.Minimum, BINARY.minimum],
  [tf.SquaredDifference, BINARY.squaredDifference],
  [tf.Mod, BINARY.mod],
  [tf.Pow, BINARY.pow],
  [tf.Atan2, BINARY.atan2],
  [tf.BitwiseAnd, BINARY.bitwiseAnd],
] as const;
const floatBinaries: ReadonlySet<number> = new Set([
  BINARY.div,
  BINARY.pow,
  BINARY.atan2,
  BINARY.prelu,
  BINARY.eluGrad,
]);

const byteBinaries: ReadonlySet<number> = new Set([
  BINARY.add,
  BINARY.sub,
  BINARY.mul,
  BINARY.squaredDifference,
]);

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
  [tf.Floor, UNARY.floor],
  [tf.Ceil, UNARY.ceil],
  [tf.Round, UNARY.round],
  [tf.Sign, UNARY.sign],
  [tf.Relu6, UNARY.relu6],
  [tf.LeakyRelu, UNARY.leakyRelu],
  [tf.Elu, UNARY.elu],
  [tf.Selu, UNARY.selu],
  [tf.Softplus, UNARY.softplus],
  [tf.Log1p, UNARY.log1p],
  [tf.Expm1, UNARY.expm1],
  [tf.Sin, UNARY.sin],
  [tf.Cos, UNARY.cos],
  [tf.Tan, UNARY.tan],
  [tf.Asin, UNARY.asin],
  [tf.Acos, UNARY.acos],
  [tf.Atan, UNARY.atan],
  [tf.Sinh, UNARY.sinh],
  [tf.Cosh, UNARY.cosh],
  [tf.Asinh, UNARY.asinh],
  [tf.Acosh, UNARY.acosh],
  [tf.Atanh, UNARY.atanh],
] as const;
const intUnaries: ReadonlySet<number> = new Set([
  UNARY.neg,
  UNARY.abs,
  UNARY.square,
  UNARY.sign,
  UNARY.relu,
]);
