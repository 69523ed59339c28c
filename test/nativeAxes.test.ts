// Kernels along an axis on the native backend against the CPU's: reductions of every dtype, running sums, windows, transforms, einsum.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { compareBackends, isas, normals, type Arrays } from './support/native.ts';

if (isas.length === 0) test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
else describe(`along an axis, for ${isas.join(', ')}`, axisTests);

const exact = { rtol: 0 };
const shapes = [[7], [3, 20, 17], [2, 3, 4, 5], [1, 4, 1], [150, 120]];
// Long enough to be split into several tasks.
const long = [[70_001], [1100, 3]];

function axisTests(): void {
  const rng = new Rng(21);
  const ints = (shape: number[], limit: number): Arrays[number] => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Int32Array.from({ length }, () => Math.round((rng.uniform() - 0.5) * 2 * limit));
    return { shape, values, dtype: 'int32' };
  };
  const bools = (shape: number[], share: number): Arrays[number] => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Uint8Array.from({ length }, () => Number(rng.uniform() < share));
    return { shape, values, dtype: 'bool' };
  };
  const axesOf = (shape: number[]): (number[] | undefined)[] => [
    undefined,
    ...shape.map((_, axis) => [axis]),
    ...(shape.length > 2
      ? [
          [0, 2],
          [1, 2],
        ]
      : []),
  ];

  test('sums, extremes and products of integers', () => {
    for (const shape of shapes)
      for (const axes of axesOf(shape))
        for (const limit of [3, 2 ** 31 - 1])
          compareBackends(
            `[${shape}] over ${axes}`,
            [ints(shape, limit)],
            (x) => [
              ...[tf.sum(x, axes), tf.max(x, axes, true), tf.min(x, axes)],
              ...[tf.prod(x, axes, true), tf.argMax(x, axes?.[0]), tf.argMin(x, axes?.at(-1))],
            ],
            exact,
          );
    compareBackends('mean', [ints([9, 40], 50)], (x) => tf.mean(x, 1), { terms: 40 });
    compareBackends(
      'of truth values',
      [bools([5, 7], 0.7)],
      (x) => [tf.sum(x, 0), tf.prod(x, 1), tf.max(x, 1), tf.cumsum(x, 1), tf.all(x), tf.any(x)],
      exact,
    );
  });

  test('all and any', () => {
    for (const shape of shapes)
      for (const axes of axesOf(shape))
        for (const share of [0.03, 0.97])
          compareBackends(
            `[${shape}] over ${axes}`,
            [bools(shape, share)],
            (x) => [tf.all(x, axes), tf.any(x, axes, true)],
            exact,
          );
  });

  test('products of float32', () => {
    for (const shape of shapes)
      for (const axes of axesOf(shape)) {
        const x = normals(rng, ...shape);
        for (let i = 0; i < x.values.length; i += 1) x.values[i] = 1 + 0.005 * x.values[i]!;
        compareBackends(`[${shape}] over ${axes}`, [x], (v) => tf.prod(v, axes), { rtol: 1e-6 });
      }
    const odd = { shape: [3, 3], values: Float32Array.of(0, 2, -0, NaN, 1, 2, Infinity, -1, 3) };
    compareBackends('specials', [odd], (x) => [tf.prod(x, 0), tf.prod(x, 1), tf.prod(x)], exact);
  });

  test('the place of an extreme: ties, NaN, infinities', () => {
    for (const shape of shapes)
      for (const [axis] of shape.entries()) {
        const x = normals(rng, ...shape);
        const coarse = { shape, values: x.values.map(Math.round) };
        const holes = {
          shape,
          values: coarse.values.map((v) => (v === 1 ? NaN : v === 2 ? 0 : v)),
        };
        for (const input of [x, coarse, holes])
          compareBackends(
            `[${shape}] along ${axis}`,
            [input],
            (v) => [tf.argMax(v, axis), tf.argMin(v, axis)],
            exact,
          );
      }
    const odd = Float32Array.of(NaN, 1, 2, -Infinity, NaN, -Infinity, NaN, NaN, NaN, -0, 0, 0);
    compareBackends(
      'specials',
      [{ shape: [4, 3], values: odd }],
      (v) => [tf.argMax(v, 1), tf.argMin(v, 1), tf.argMax(v, 0), tf.argMin(v, 0)],
      exact,
    );
  });

  test('long axes, in parts that are joined', () => {
    for (const shape of long)
      compareBackends(
        `[${shape}]`,
        [ints(shape, 2 ** 31 - 1), bools(shape, 1e-5), normals(rng, ...shape)],
        (whole, bool, x) => [
          ...[tf.sum(whole, 0), tf.max(whole, 0), tf.argMin(whole, 0), tf.argMax(whole, 0)],
          ...[tf.any(bool, 0), tf.all(tf.logicalNot(bool), 0), tf.argMax(x, 0), tf.argMin(x, 0)],
        ],
        exact,
      );
  });

  test('running sums and products, to the bit', () => {
    for (const [i, shape] of shapes.entries())
      for (const axis of shape.keys())
        for (const exclusive of [false, true]) {
          const reverse = (i + axis) % 2 === 0;
          compareBackends(
            `[${shape}] along ${axis} ${exclusive} ${reverse}`,
            [normals(rng, ...shape), ints(shape, 2 ** 31 - 1), ints(shape, 3)],
            (x, large, small) => [
              ...[tf.cumsum(x, axis, exclusive, reverse), tf.cumprod(x, axis, exclusive, !reverse)],
              ...[tf.cumsum(large, axis, exclusive, reverse), tf.cumprod(large, axis, exclusive)],
              tf.cumprod(small, axis, exclusive, reverse),
            ],
            exact,
          );
        }
    const odd = { shape: [5], values: Float32Array.of(-0, 1, Infinity, -Infinity, 2) };
    compareBackends('specials', [odd], (x) => [tf.cumsum(x), tf.cumprod(x, 0, true)], exact);
    compareBackends('of nothing', [normals(rng, 0, 3)], (x) => [tf.cumsum(x, 1), tf.cumsum(x, 0)]);
  });

  test('ranges', () => {
    for (const [start, stop, step] of [
      [0, 10, 1],
      [5, -7, -3],
      [3, 3, 1],
      [10, 0, 1],
      [0, 1, 0.1],
      [2, 3, 5],
    ] as const)
      for (const dtype of ['float32', 'int32'] as const)
        compareBackends(
          `${start} to ${stop} by ${step}`,
          [],
          () => tf.range(start, stop, step, dtype),
          exact,
        );
    for (const count of [1, 2, 7, 1000])
      compareBackends(`${count}`, [], () => tf.linspace(-2, 5, count), { rtol: 1e-4, atol: 1e-4 });
  });

  test('local response and its gradient', () => {
    for (const channels of [1, 3, 21, 64])
      for (const [radius, beta] of [
        [0, 0.5],
        [2, 0.75],
        [5, 1],
        [100, 0.3],
      ] as const) {
        const x = normals(rng, 2, 3, 5, channels);
        const response = (v: tf.Tensor): tf.Tensor =>
          tf.localResponseNormalization(v as tf.Tensor4D, radius, 1, 0.5, beta);
        compareBackends(`${channels} ${radius} ${beta}`, [x], response, { rtol: 1e-5 });
        compareBackends(`gradient ${channels} ${radius} ${beta}`, [x], tf.grad(response), {
          ...{ rtol: 1e-5, atol: 1e-5 },
        });
      }
    const large = normals(rng, 2, 30, 30, 40);
    compareBackends('large', [large], (v) => tf.localResponseNormalization(v as tf.Tensor4D), {
      rtol: 1e-5,
    });
    compareBackends('of nothing', [normals(rng, 0, 2, 2, 3)], (v) =>
      tf.localResponseNormalization(v as tf.Tensor4D),
    );
  });

  test('Fourier transforms of any length', () => {
    for (const n of [1, 2, 3, 8, 12, 35, 64, 17, 46])
      compareBackends(
        `${n}`,
        [normals(rng, 2, 3, n), normals(rng, 2, 3, n)],
        (re, im) => {
          const x = tf.complex(re, im);
          const all = [tf.spectral.fft(x), tf.spectral.ifft(x)];
          return all.flatMap((y) => [tf.real(y), tf.imag(y)]);
        },
        // The CPU's twiddles are of float32.
        { terms: n, gain: 4 },
      );
    compareBackends('of real numbers', [normals(rng, 3, 16)], (x) => {
      const y = tf.spectral.rfft(x);
      return [tf.real(y), tf.imag(y), tf.spectral.irfft(y)];
    });
    compareBackends(
      'many',
      [normals(rng, 260, 64), normals(rng, 260, 64)],
      (re, im) => tf.real(tf.spectral.fft(tf.complex(re, im))),
      { terms: 64 },
    );
  });

  test('einsum', () => {
    const cases = [
      ['ij,jk->ik', [5, 7], [7, 3]],
      ['ij,kj->ik', [5, 7], [3, 7]],
      ['ji,jk->ki', [7, 5], [7, 3]],
      ['bij,bjk->bik', [4, 5, 7], [4, 7, 3]],
      ['bhid,bhjd->bhij', [2, 3, 5, 4], [2, 3, 6, 4]],
      ['bijc,bcjd->bidc', [2, 3, 4, 5], [2, 5, 4, 6]],
      ['abc,cd->abd', [3, 4, 5], [5, 6]],
      ['abc,acd->d', [3, 4, 5], [3, 5, 6]],
      ['i,i->', [90], [90]],
      ['bi,bi->b', [40, 9], [40, 9]],
      ['ij,jk->jki', [3, 4], [4, 6]],
      ['ij->ji', [3, 4]],
      ['ijk->j', [3, 4, 5]],
      ['ijk->', [3, 4, 5]],
      ['ij->ij', [3, 4]],
      ['ij,jk->ik', [60, 130], [130, 50]],
    ] as const;
    for (const [equation, ...inputs] of cases)
      compareBackends(
        equation,
        inputs.map((shape) => normals(rng, ...shape)),
        (...all) => tf.einsum(equation, ...all),
        { terms: 130 },
      );
    const outer = (...all: tf.Tensor[]): tf.Tensor => tf.einsum('i,j->ij', ...all);
    compareBackends('i,j->ij', [normals(rng, 3), normals(rng, 4)], outer, exact);
    // The CPU's kernel gives another shape here, where one operand has no axis to sum over.
    compareBackends('ijk,jl->jl', [normals(rng, 3, 4, 5), normals(rng, 4, 6)], (a, b) =>
      tf.getBackend() === 'cpu'
        ? tf.mul(tf.sum(a, [0, 2]).expandDims(1), b)
        : tf.einsum('ijk,jl->jl', a, b),
    );
    compareBackends('of integers', [ints([3, 4], 9), ints([4, 2], 9)], (a, b) =>
      tf.einsum('ij,jk->ik', a, b),
    );
    void tf.setBackend('native');
    const x = tf.ones([2, 3]);
    expect(() => tf.einsum('ij,jk->ik', x, x)).toThrow('Expected dimension 3 at axis 0');
    expect(() => tf.einsum('ij->ijk', x)).toThrow('not present in the input');
  });
}
