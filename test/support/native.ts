// Helpers of the native backend's tests, which run the same function on it and on the CPU backend.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeBinding, nativeUnavailableReason } from '../../lib/backends/native/index.ts';
import type { Rng } from '../../lib/core/rng.ts';
import { assertAllClose, tolerance, type Reasons } from './compare.ts';

// These are local because each look-up of a global costs 0.2 µs in jest's sandbox.
const { abs } = Math;
const { is } = Object;

const onlyProducts = ['amx-emulated', 'avx512bf16', 'amx'];

/** The instruction sets that this processor and build run, with kernels of their own, the best last; empty without the addon. */
export const isas: readonly string[] = availableIsas().filter((isa) => !onlyProducts.includes(isa));
/** The instruction sets that differ from another one in bf16 products alone. */
export const productIsas: readonly string[] = availableIsas().filter((isa) =>
  onlyProducts.includes(isa),
);

/** The tolerance of a result. */
type Allowed = Reasons & { rtol?: number; atol?: number };

function availableIsas(): string[] {
  return nativeUnavailableReason() === undefined ? nativeBinding().isas() : [];
}

export type Arrays = readonly { shape: number[]; values: tf.TypedArray; dtype?: tf.DataType }[];

/** Normal numbers of a shape. */
export function normals(rng: Rng, ...shape: number[]): Arrays[number] {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < values.length; i += 1) values[i] = rng.normal();
  return { shape, values };
}

/**
 * Runs `body` on both backends with the same inputs and compares the native result, for every instruction set, with the other.
 *
 * @param reasons  the causes of a tolerance relative to the largest element; with `rtol` each element is compared by itself
 */
export function compareBackends(
  name: string,
  inputs: Arrays,
  body: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  reasons: Allowed = {},
): void {
  const expected = runOn('cpu', inputs, body);
  for (const isa of isas) {
    nativeBinding().setIsa(isa);
    const actual = runOn('native', inputs, body);
    if (expected.length !== actual.length) throw new Error(`${name}: another number of outputs`);
    expected.forEach((want, i) =>
      compareOutput(`${name} on ${isa}, output ${i} [${want.shape}]`, actual[i]!, want, reasons),
    );
  }
}

/** Throws unless an output has the dtype, shape and, within what is allowed, values of another. */
export function compareOutput(
  name: string,
  got: Output,
  want: Output,
  { rtol, atol = 0, ...reasons }: Allowed,
): void {
  if (got.dtype !== want.dtype || !tf.util.arraysEqual(got.shape, want.shape)) {
    throw new Error(`${name}: received ${got.dtype} [${got.shape}]`);
  }
  if (rtol !== undefined) assertEachClose(name, got.values, want.values, rtol, atol);
  else assertAllClose(got.values, want.values, { name, ofLargest: tolerance(reasons) });
}

/** Throws unless each element is within atol + rtol·|expected|; infinities and NaN are compared as they are. */
export function assertEachClose(
  name: string,
  actual: tf.TypedArray,
  expected: tf.TypedArray,
  rtol: number,
  atol: number,
): void {
  expected.forEach((want: number, i: number) => {
    const got = actual[i]!;
    if (got === want || is(got, want) || abs(got - want) <= atol + rtol * abs(want)) return;
    throw new Error(`${name}[${i}] is ${got}, expected ${want}`);
  });
}

/** The bytes of the result of `body` on the native backend. */
export function nativeBytes(
  inputs: Arrays,
  body: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
): Buffer {
  return Buffer.concat(
    runOn('native', inputs, body).map(({ values }) =>
      Buffer.from(values.buffer, values.byteOffset, values.byteLength),
    ),
  );
}

/** A result read back. */
export interface Output {
  dtype: tf.DataType;
  shape: number[];
  values: tf.TypedArray;
}

/** The result of `body` on a backend. */
export function runOn(
  backend: string,
  inputs: Arrays,
  body: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
): Output[] {
  void tf.setBackend(backend);
  return tf.tidy(() => {
    const out = body(...tensorsOf(inputs));
    return (Array.isArray(out) ? out : [out]).map((tensor) => ({
      dtype: tensor.dtype,
      shape: tensor.shape,
      values: tensor.dataSync(),
    }));
  });
}

/** The inputs as tensors that share no memory with the arrays. */
export function tensorsOf(inputs: Arrays): tf.Tensor[] {
  return inputs.map(({ shape, values, dtype }) =>
    tf.tensor(values.slice(), shape, dtype ?? 'float32'),
  );
}
