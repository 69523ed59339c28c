// Runs a random call on the CPU backend and on the native one, and holds one against the other.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeBinding } from '../../lib/backends/native/index.ts';
import type { FuzzCase } from './fuzzInputs.ts';
import { assertEachClose, compareOutput, isas, runOn, tensorsOf, type Output } from './native.ts';

/** The outputs of a backend, or the message of the error that it threw. */
type Outcome = Output[] | string;
type Body = (fuzzCase: FuzzCase, inputs: tf.Tensor[]) => tf.Tensor[];

// Held locally: in jest's sandbox each look-up of a global costs 0.2 µs.
const { abs, sin } = Math;

// A difference below this is one of how denormal numbers are treated.
const denormal = 1e-37;

/**
 * Throws where the backends differ: in dtype, shape or values, in gradients where the case asks for them, in whether they throw; or
 * where the native backend leaves tensors behind.
 *
 * @returns whether there was a result, and not an error on both
 */
export function compareFuzz(name: string, fuzzCase: FuzzCase): boolean {
  const { rtol = 0, atol = denormal, grad = false, adjoint = false } = fuzzCase;
  const compared = compareBodies(`${name} ${fuzzCase.note}`, fuzzCase, results, rtol, atol);
  // Sums of many products cancel: some bits more are lost.
  if (grad) {
    compareBodies(
      `gradients of ${name} ${fuzzCase.note}`,
      fuzzCase,
      gradients,
      10 * rtol + 2e-5,
      1e-5,
    );
  }
  if (adjoint) assertAdjoint(`${name} ${fuzzCase.note}`, fuzzCase);
  return compared;
}

function compareBodies(
  name: string,
  fuzzCase: FuzzCase,
  body: Body,
  rtol: number,
  atol: number,
): boolean {
  const wanted = outcome('cpu', fuzzCase, body);
  for (const isa of isas) {
    nativeBinding().setIsa(isa);
    const before = tf.memory().numTensors;
    const got = outcome('native', fuzzCase, body);
    if (typeof got === 'string') {
      if (typeof wanted === 'string') continue;
      throw new Error(`${name} on ${isa} throws "${got}"`);
    }
    if (typeof wanted === 'string') {
      throw new Error(`${name} on ${isa} gives a result, expected "${wanted}"`);
    }
    if (got.length !== wanted.length) throw new Error(`${name} on ${isa}: ${got.length} outputs`);
    wanted.forEach((want, i) =>
      compareValues(`${name} on ${isa}, output ${i}`, got[i]!, want, rtol, atol),
    );
    const left = tf.memory().numTensors - before;
    if (left !== 0) throw new Error(`${name} on ${isa} leaves ${left} tensors`);
  }
  return typeof wanted !== 'string';
}

function outcome(backend: string, fuzzCase: FuzzCase, body: Body): Outcome {
  try {
    return runOn(backend, fuzzCase.inputs, (...inputs) => body(fuzzCase, inputs));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function results({ run }: FuzzCase, inputs: tf.Tensor[]): tf.Tensor[] {
  const out = run(...inputs);
  return Array.isArray(out) ? out : [out];
}

// The gradients of the weighted sum of all float32 outputs with respect to all float32 inputs.
function gradients(fuzzCase: FuzzCase, inputs: tf.Tensor[]): tf.Tensor[] {
  const chosen = inputs.flatMap((input, i) => (input.dtype === 'float32' ? [i] : []));
  if (chosen.length === 0) return [];
  const total = (...given: tf.Tensor[]) => {
    const all = inputs.slice();
    chosen.forEach((at, i) => (all[at] = given[i]!));
    return weightedSum(results(fuzzCase, all));
  };
  return tf.grads(total)(chosen.map((i) => inputs[i]!));
}

function weightedSum(outputs: tf.Tensor[]): tf.Scalar {
  const sums = outputs
    .filter(({ dtype }) => dtype === 'float32')
    .map((out) => {
      const weights = Float32Array.from({ length: out.size }, (_, i) => sin(1.7 * i + 1));
      return tf.sum(tf.mul(out, tf.tensor(weights, out.shape)));
    });
  return tf.addN(sums) as tf.Scalar;
}

// For a function f that is linear in its first input, the sum of x · gradient is f(x).
function assertAdjoint(name: string, fuzzCase: FuzzCase): void {
  for (const isa of isas) {
    nativeBinding().setIsa(isa);
    void tf.setBackend('native');
    const [sum, value, scale] = tf.tidy(() => {
      const [x, ...others] = tensorsOf(fuzzCase.inputs);
      const f = (v: tf.Tensor) => weightedSum(results(fuzzCase, [v, ...others]));
      const sizes = results(fuzzCase, [tf.abs(x!), ...others]).map((out) => tf.sum(tf.abs(out)));
      return [tf.sum(tf.mul(x!, tf.grad(f)(x!))), f(x!), tf.addN(sizes)].map(
        (v) => v.dataSync()[0]!,
      );
    });
    const what = `${name} on ${isa}: the sum of its gradient times its input`;
    assertEachClose(what, Float32Array.of(sum!), Float32Array.of(value!), 0, 1e-6 * scale!);
  }
}

function compareValues(name: string, got: Output, want: Output, rtol: number, atol: number): void {
  if (got.values.length !== tf.util.sizeFromShape(want.shape)) {
    throw new Error(`${name} has ${got.values.length} values, expected [${want.shape}]`);
  }
  // The largest of numbers up to 3e38 says nothing about the others.
  let largest = 0;
  for (const value of want.values) {
    const size = abs(value);
    if (size > largest && size < 1e6) largest = size;
  }
  compareOutput(name, got, want, { rtol, atol: rtol * largest + atol });
}
