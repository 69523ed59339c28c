// Kernels of integers, logical values, counts and sparse tensors, on the native backend against the CPU's.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { compareBackends, isas, normals, type Arrays } from './support/native.ts';

if (isas.length === 0) test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
else describe('native kernels of integers and counts', countingTests);

const exact = { rtol: 0 };
type Input = Arrays[number];

function countingTests(): void {
  const rng = new Rng(41);
  const between = (low: number, high: number, ...shape: number[]): Input => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Int32Array.from(
      { length },
      () => low + Math.floor(rng.uniform() * (high - low)),
    );
    return { shape, values, dtype: 'int32' };
  };
  const bools = (...shape: number[]): Input => ({
    shape,
    values: Uint8Array.from(between(0, 2, ...shape).values),
    dtype: 'bool',
  });
  const odd: Input = {
    shape: [9],
    values: Int32Array.of(0, 1, -1, 2, -7, 2 ** 31 - 1, -(2 ** 31), 65536, -46341),
    dtype: 'int32',
  };
  const pairs = [
    [[33], [33]],
    [[5, 17], []],
    [
      [3, 1, 7],
      [2, 1],
    ],
    [[0, 3], [3]],
    [
      [150, 230],
      [150, 230],
    ],
  ] as const;

  test('powers of integers, and what both have in common', () => {
    for (const [a, b] of pairs) {
      compareBackends(
        `[${a}] [${b}]`,
        [between(-9, 9, ...a), between(-3, 15, ...b)],
        (x, y) => [tf.pow(x, y), tf.bitwiseAnd(tf.add(x, y), tf.sub(x, y))],
        exact,
      );
      const numbers = [between(-9, 9, ...a), bools(...b)];
      compareBackends(`mixed [${a}] [${b}]`, numbers, (x, y) => tf.pow(x, y), exact);
    }
    // Some of these powers are exact to the bit only with Math.pow.
    compareBackends(
      'of all sizes',
      [odd, { ...odd, shape: [9, 1] }],
      (x, y) => [tf.pow(x, y), tf.bitwiseAnd(tf.reshape(x, [9]), tf.reshape(y, [9]))],
      exact,
    );
    compareBackends('beyond 2^53', [between(50, 60, 40), between(9, 13, 40)], tf.pow, exact);
    compareBackends('beyond 2^86', [between(50, 60, 40), between(90, 99, 40)], tf.pow, exact);
  });

  test('arithmetic of booleans', () => {
    for (const [a, b] of pairs)
      compareBackends(
        `[${a}] [${b}]`,
        [bools(...a), bools(...b)],
        (x, y) => [tf.add(x, y), tf.sub(x, y), tf.mul(x, y), tf.squaredDifference(x, y)],
        exact,
      );
    for (const shape of [[1], [7, 9], [3, 5, 70], [200, 300]])
      compareBackends(
        `reductions of [${shape}]`,
        [bools(...shape)],
        (x) => [
          ...[tf.max(x, 0), tf.min(x, -1), tf.max(x, null!, true), tf.min(x)],
          ...[tf.argMax(x), tf.argMin(x, -1)],
          tf.max(tf.add(x, x), 0),
        ],
        exact,
      );
  });

  test('each integer alone', () => {
    for (const x of [odd, between(-9, 9, 5, 7), between(-100, 100, 40_000), between(0, 1, 0, 3)]) {
      compareBackends(
        `[${x.shape}]`,
        [x],
        (v) => [
          ...[tf.round(v), tf.relu6(v), tf.step(v), tf.step(v, 0.5), tf.step(v, -3)],
          ...[tf.isNaN(v), tf.isInf(v), tf.isFinite(v)],
          tf.addN([v, v, tf.neg(v)]),
          tf.addN([v]),
        ],
        exact,
      );
      compareBackends(
        `in float32 [${x.shape}]`,
        [x],
        (v) => [
          ...[tf.exp(v), tf.leakyRelu(v, 0.3)],
          ...[tf.prelu(v, tf.scalar(0.3)), tf.prelu(v, tf.scalar(2, 'int32'))],
        ],
        { rtol: 1e-6 },
      );
    }
    for (const shape of [[9], [40_000], [0]])
      compareBackends(
        `truth values [${shape}]`,
        [bools(...shape)],
        (v) => [
          ...[tf.round(v), tf.abs(v), tf.relu(v), tf.isNaN(v), tf.isFinite(v)],
          ...[tf.addN([v, v]), tf.leakyRelu(v)],
        ],
        exact,
      );
    compareBackends('exp of bool', [bools(9)], (v) => tf.exp(v), { rtol: 1e-6 });
  });

  test('products of integers', () => {
    const product = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.matMul(a, b);
    for (const [high, k] of [
      [50, 70],
      [9, 7],
      [2 ** 20, 7],
      [2 ** 31, 3],
    ] as const)
      for (const batch of [[], [3]])
        compareBackends(
          `up to ${high} [${batch}]`,
          [between(-high, high, ...batch, 5, k), between(-high, high, ...batch, k, 9)],
          (a, b) => [product(a, b), tf.matMul(b, a, true, true)],
          exact,
        );
    compareBackends('of nothing', [between(0, 9, 4, 0), between(0, 9, 0, 3)], product, exact);
  });

  test('counts of a list', () => {
    for (const [n, size] of [
      [0, 3],
      [9, 0],
      [50, 7],
      [3000, 900],
      [140_000, 30],
    ] as const) {
      const list = between(0, size + 3, n);
      for (const weights of [between(0, 1, 0), between(-9, 9, n), normals(rng, 0), normals(rng, n)])
        compareBackends(
          `${n} in ${size}, weights ${weights.dtype} [${weights.shape}]`,
          [list, weights],
          (x, w) => [
            tf.bincount(x as tf.Tensor1D, w as tf.Tensor1D, size),
            tf.denseBincount(x as tf.Tensor1D, w as tf.Tensor1D, size, true),
          ],
          { rtol: 2e-3, atol: 1e-2 },
        );
    }
    // Sums of whole numbers round nowhere.
    const whole = { ...normals(rng, 200_000) };
    whole.values = Float32Array.from(whole.values, Math.round);
    compareBackends(
      'exactly',
      [between(0, 40, 200_000), whole],
      (x, w) => tf.bincount(x as tf.Tensor1D, w as tf.Tensor1D, 33),
      exact,
    );
  });

  test('search in sorted rows', () => {
    const sorted = (input: Input, length: number): Input => {
      const values = input.values.slice();
      for (let at = 0; at < values.length; at += length) values.subarray(at, at + length).sort();
      return { ...input, values };
    };
    const search = (s: tf.Tensor, v: tf.Tensor): tf.Tensor[] => [
      tf.searchSorted(s, v, 'left'),
      tf.searchSorted(s, v, 'right'),
    ];
    for (const [rows, length, count] of [
      [1, 1, 5],
      [3, 7, 1],
      [2, 64, 100],
      [2, 1000, 9000],
    ] as const) {
      const floats = [normals(rng, rows, length), normals(rng, rows, count)] as const;
      const wholes = [between(0, 40, rows, length), between(-2, 42, rows, count)] as const;
      for (const [s, v] of [floats, wholes]) {
        compareBackends(`${rows}, ${length}, ${count}`, [sorted(s, length), v], search, exact);
        if (count > 100) continue;
        compareBackends('out of order', [s, v], search, exact);
        compareBackends('of two dtypes', [sorted(s, length), wholes[1]], search, exact);
      }
    }
    const special = Float32Array.of(-Infinity, -1, -0, 0, 1, Infinity, NaN);
    const numbers = { shape: [7], values: special };
    compareBackends('special numbers', [numbers, numbers], search, exact);
  });

  test('diagonals and ranges', () => {
    for (const shape of [[1], [7], [3, 4], [0], [300]])
      for (const x of [normals(rng, ...shape), between(-9, 9, ...shape), bools(...shape)])
        compareBackends(`diag of [${shape}]`, [x], (v) => tf.diag(v), exact);
    compareBackends(
      'ranges',
      [],
      () => [
        ...[tf.range(0, 100, 0.5), tf.range(3.25, -40, -0.125), tf.range(0, 9, 0.1)],
        ...[tf.range(0, 30_000, 0.25), tf.range(0, 9, 2.5, 'int32'), tf.range(5, 0)],
      ],
      exact,
    );
  });

  test('sums and means of segments', () => {
    const { sparseSegmentMean, sparseSegmentSum } = tf.sparse;
    for (const [rows, rest, count, last] of [
      [5, [], 12, 4],
      [9, [3], 40, 50],
      [30, [4, 70], 60, 9],
      [50, [64], 3000, 700],
      [3, [2], 0, 0],
    ] as const) {
      const ids = between(0, last + 1, count);
      ids.values.sort();
      for (const x of [normals(rng, rows, ...rest), between(-(2 ** 30), 2 ** 30, rows, ...rest)])
        compareBackends(
          `[${rows}, ${rest}] at ${count}`,
          [x, between(0, rows, count), ids],
          (data, i, s) => {
            const [at, of] = [i, s] as [tf.Tensor1D, tf.Tensor1D];
            return [sparseSegmentSum(data, at, of), sparseSegmentMean(data, at, of)];
          },
          exact,
        );
    }
  });

  test('sparse tensors: another shape, and rows without an element', () => {
    const reshape = (from: number[], to: number[]) => (indices: tf.Tensor) =>
      Object.values(
        tf.sparse.sparseReshape(
          indices as tf.Tensor2D,
          tf.tensor1d(from, 'int32'),
          tf.tensor1d(to, 'int32'),
        ),
      );
    for (const count of [0, 1, 9, 30_000])
      for (const [from, to] of [
        [
          [6, 6, 10],
          [4, -1, 9],
        ],
        [[360], [36, 10]],
        [[36, 10], [-1]],
        [
          [20, 18],
          [20, 18],
        ],
      ] as const) {
        const indices = between(0, 6, count, from.length);
        compareBackends(`[${from}] [${to}]`, [indices], reshape([...from], [...to]), exact);
      }
    for (const [count, rows, ordered] of [
      [0, 3, true],
      [1, 1, true],
      [20, 30, false],
      [20, 30, true],
      [500, 9, true],
      [9000, 4000, false],
    ] as const) {
      const indices = between(0, rows, count, 2);
      if (ordered) indices.values.sort();
      for (const values of [normals(rng, count), between(0, 99, count), bools(count)])
        compareBackends(
          `${count} in ${rows}`,
          [indices, values],
          (i, v) =>
            Object.values(
              tf.sparse.sparseFillEmptyRows(
                i as tf.Tensor2D,
                v as tf.Tensor1D,
                tf.tensor1d([rows, rows], 'int32'),
                tf.cast(tf.scalar(1), v.dtype) as tf.Scalar,
              ),
            ),
          exact,
        );
    }
  });

  test('wrong arguments are refused in the words of tfjs', () => {
    void tf.setBackend('native');
    const { sparseSegmentSum, sparseReshape, sparseFillEmptyRows } = tf.sparse;
    const list = (...values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');
    const none = tf.tensor1d([], 'float32');
    expect(() => tf.bincount(list(1, -1), none, 3)).toThrow('non-negative');
    expect(() => tf.denseBincount(list(1, -1), none, 3)).toThrow('non-negative');
    const data = tf.ones([3, 2]);
    expect(() => sparseSegmentSum(data, list(0, 3), list(0, 0))).toThrow('out of range [0, 3)');
    expect(() => sparseSegmentSum(data, list(0, 1), list(1, 0))).toThrow('not increasing');
    for (const ids of [
      [-1, 0],
      [0, -2],
      [-2, -1],
      [-3, -2],
    ] as const)
      // As TensorFlow.js's specs ask for.
      expect(() => sparseSegmentSum(data, list(0, 1), list(...ids))).toThrow(
        /^(segment ids must be >= 0|Segment id -1 out of range \[0, 1\), possibly because.*|segment ids are not increasing.*)$/,
      );
    const pair = tf.tensor2d([[0, 0], [2, 0]], [2, 2], 'int32'); // prettier-ignore
    expect(() => sparseReshape(pair, list(3, 2), list(4, -1))).toThrow('requires a multiple of 4');
    expect(() => sparseReshape(pair, list(3, 2), list(4, 2))).toThrow('requested shape has 8');
    const two = tf.ones([2]) as tf.Tensor1D;
    expect(() => sparseFillEmptyRows(pair, two, list(2, 2), 0)).toThrow('invalid: 2 >= 2');
  });
}
