// Runs a row of the op table on the current backend, and differentiates its float64 form by central differences.

import * as tf from '@tensorflow/tfjs';
import { Rng } from '../../lib/core/rng.ts';
import type { Exact } from './exactOps.ts';
import { differentiable, drawInputs, type OpCase } from './opCase.ts';

/** The values of a row on one backend: its result, and the gradients of Σ weights·out. */
export interface CaseResult {
  out: Float32Array;
  weights: Float32Array;
  gradients: Map<string, Float32Array>;
}

/** Forward and backward pass of a row; leaves no tensor behind. */
export function runCase(opCase: OpCase): CaseResult {
  const rng = new Rng(1).split(opCase.name);
  const values = drawInputs(opCase);
  const names = differentiable(opCase);
  let weights = new Float32Array();
  const arrays = tf.tidy(() => {
    const x: Record<string, tf.Tensor> = {};
    for (const [name, { shape }] of Object.entries(opCase.inputs)) {
      x[name] = tf.tensor(values.get(name)!, [...shape]);
    }
    let out = opCase.run(x);
    weights = Float32Array.from({ length: out.size }, () => rng.uniform(-1, 1));
    const loss = (...inputs: tf.Tensor[]): tf.Scalar => {
      const given = Object.fromEntries(names.map((name, i) => [name, inputs[i]!]));
      out = tf.keep(opCase.run({ ...x, ...given }));
      return tf.sum(tf.mul(out, tf.tensor(weights, out.shape)));
    };
    const gradients = names.length === 0 ? [] : tf.grads(loss)(names.map((name) => x[name]!));
    const read = [out, ...gradients].map((tensor) => tensor.dataSync().slice() as Float32Array);
    out.dispose();
    return read;
  });
  const [out, ...gradients] = arrays;
  return { out: out!, weights, gradients: new Map(names.map((name, i) => [name, gradients[i]!])) };
}

/** d/dt Σ weights·exact(x + t·direction) at 0, by central differences in float64: an error of about 1e-9 relative. */
export function exactDirectional(
  opCase: OpCase,
  inputs: Record<string, Exact>,
  name: string,
  direction: Float64Array,
  weights: Float32Array,
): number {
  const { shape, data } = inputs[name]!;
  const scale = data.reduce((top, value) => Math.max(top, Math.abs(value)), 1);
  const step = 1e-5 * Math.min(scale, 10);
  const at = (t: number): number => {
    const moved = { shape, data: data.map((value, i) => value + t * direction[i]!) };
    return opCase
      .exact({ ...inputs, [name]: moved })
      .reduce((sum, v, i) => sum + v * weights[i]!, 0);
  };
  return (at(step) - at(-step)) / (2 * step);
}
