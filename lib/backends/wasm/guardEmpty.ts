// Sums over nothing on tfjs's WebAssembly backend, which leaves their results as they lay in its memory.

import * as tf from '@tensorflow/tfjs';
import { replaceKernel, type KernelArguments } from './replaceKernel.ts';

/** The reduction of no element, as on tfjs's CPU backend. */
const ofNothing: Readonly<Record<string, number>> = {
  [tf.Sum]: 0,
  [tf.Mean]: 0,
  [tf.Prod]: 1,
  [tf.Max]: NaN,
  [tf.Min]: NaN,
};

/** Gives reductions of no element, and products of matrices whose inner size is 0, their values. */
export function guardEmpty(): void {
  for (const [kernelName, value] of Object.entries(ofNothing))
    replaceKernel(kernelName, (original) => (call) => {
      const { x } = call.inputs as { x: tf.TensorInfo };
      if (tf.util.sizeFromShape(x.shape) > 0 || x.dtype !== 'float32') return original(call);
      const { axis, reductionIndices, keepDims } = call.attrs as Record<string, never>;
      const axes = tf.util.parseAxisParam(axis ?? reductionIndices ?? null!, x.shape);
      const shape = x.shape.flatMap((size, i) =>
        axes.includes(i) ? (keepDims === true ? [1] : []) : [size],
      );
      return filled(call, shape, value);
    });
  replaceKernel(tf.BatchMatMul, (original) => (call) => {
    const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = call.attrs as unknown as tf.BatchMatMulAttrs;
    const [rows, inner] = transposeA ? [-1, -2] : [-2, -1];
    if (a.shape.at(inner) !== 0) return original(call);
    const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
    return filled(call, [...outer, a.shape.at(rows)!, b.shape.at(transposeB ? -2 : -1)!], 0);
  });
}

function filled({ backend }: KernelArguments, shape: number[], value: number): tf.TensorInfo {
  const { kernelFunc } = tf.getKernel(tf.Fill, 'wasm');
  return kernelFunc({
    inputs: {},
    attrs: { shape, value, dtype: 'float32' },
    backend,
  }) as tf.TensorInfo;
}
