// Comparisons, logic, and tests for NaN and infinity.

import * as tf from '@tensorflow/tfjs';
import { COMPARE, LOGICAL, TEST } from '../generated/enums.ts';
import { planBroadcast } from './broadcast.ts';
import { areFloats, isFixed, replaceKernel } from './kernel.ts';

interface Two {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}
interface One {
  x: tf.TensorInfo;
}

/** Registers the kernels with bool results: comparisons, logic, and tests for NaN and infinity. */
export function registerLogical(): void {
  for (const [kernelName, op] of compareKernels) {
    replaceKernel<Two, object>(kernelName, ({ inputs: { a, b }, backend }) => {
      if (a.dtype !== b.dtype || !isFixed(a)) return undefined;
      const plan = planBroadcast(a.shape, b.shape);
      if (plan === undefined) return undefined;
      const { info, values } = backend.boolOutput(plan.shape);
      backend.binding.compare(op, plan.walk, backend.elements(a), backend.elements(b), values);
      return info;
    });
  }
  for (const [kernelName, op] of [
    [tf.LogicalAnd, LOGICAL.and],
    [tf.LogicalOr, LOGICAL.or],
  ] as const) {
    replaceKernel<Two, object>(kernelName, ({ inputs: { a, b }, backend }) => {
      if (a.dtype !== 'bool' || b.dtype !== 'bool') return undefined;
      const plan = planBroadcast(a.shape, b.shape);
      if (plan === undefined) return undefined;
      const { info, values } = backend.boolOutput(plan.shape);
      const [left, right] = [backend.elements(a), backend.elements(b)] as Uint8Array[];
      backend.binding.logical(op, plan.walk, left!, right!, values);
      return info;
    });
  }
  replaceKernel<One, object>(tf.LogicalNot, ({ inputs: { x }, backend }) => {
    if (x.dtype !== 'bool') return undefined;
    const { info, values } = backend.boolOutput(x.shape);
    backend.binding.logicalNot(backend.elements(x) as Uint8Array, values);
    return info;
  });
  for (const [kernelName, op] of [
    [tf.IsNan, TEST.isNan],
    [tf.IsInf, TEST.isInf],
    [tf.IsFinite, TEST.isFinite],
  ] as const) {
    replaceKernel<One, object>(kernelName, ({ inputs: { x }, backend }) => {
      if (!areFloats(x)) return undefined;
      const { info, values } = backend.boolOutput(x.shape);
      backend.binding.test(op, backend.floats(x), values);
      return info;
    });
  }
}

const compareKernels = [
  [tf.Greater, COMPARE.greater],
  [tf.GreaterEqual, COMPARE.greaterEqual],
  [tf.Less, COMPARE.less],
  [tf.LessEqual, COMPARE.lessEqual],
  [tf.Equal, COMPARE.equal],
  [tf.NotEqual, COMPARE.notEqual],
] as const;
