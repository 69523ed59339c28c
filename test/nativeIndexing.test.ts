// Gather and scatter kernels on the native backend against the CPU's.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { compareBackends, isas, normals, type Arrays } from './support/native.ts';

if (isas.length === 0) test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
else describe('native kernels with indices', indexTests);

const exact = { rtol: 0 };

function indexTests(): void {
  const rng = new Rng(31);
  const below = (limit: number, ...shape: number[]): Arrays[number] => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Int32Array.from({ length }, () => Math.floor(rng.uniform() * limit));
    return { shape, values, dtype: 'int32' };
  };
  const bools = (...shape: number[]): Arrays[number] => {
    const { values } = below(2, ...shape);
    return { shape, values: Uint8Array.from(values), dtype: 'bool' };
  };
  const kinds = (...shape: number[]): Arrays => [
    normals(rng, ...shape),
    below(1000, ...shape),
    bools(...shape),
  ];

  test('gather along any axis, of every dtype, with batches', () => {
    for (const [shape, axis, chosen, batchDims] of [
      [[5], 0, [9], 0],
      [[7, 30], 0, [4, 3], 0],
      [[7, 30], 1, [50], 0],
      [[3, 4, 5], -2, [6], 0],
      [[3, 4, 5], 1, [3, 6], 1],
      [[2, 3, 4, 5], 2, [2, 3, 2], 2],
      [[200, 20], 1, [90], 0],
      [[30, 200], 0, [90], 0],
      [[3, 4], 1, [0], 0],
    ] as const)
      for (const x of kinds(...shape))
        compareBackends(
          `[${shape}] along ${axis} at [${chosen}]`,
          [x, below(shape.at(axis)!, ...chosen)],
          (v, i) => tf.gather(v, i as tf.Tensor1D, axis, batchDims),
          exact,
        );
  });

  test('gatherND', () => {
    for (const [shape, rows, rank] of [
      [[5], [4], 1],
      [[5, 6], [7], 1],
      [[5, 6], [7], 2],
      [[4, 4, 9], [2, 3], 2],
      [[4, 4, 130], [130], 2],
    ] as const)
      for (const x of kinds(...shape))
        compareBackends(
          `[${shape}] at [${rows}, ${rank}]`,
          [x, below(4, ...rows, rank)],
          (v, i) => tf.gatherND(v, i),
          exact,
        );
    compareBackends('one', [normals(rng, 4, 5), below(4, 2)], (v, i) => tf.gatherND(v, i), exact);
  });

  test('scatters: equal indices in order', () => {
    for (const [shape, rows, rank] of [
      [[9], [40], 1],
      [[6, 5], [40], 1],
      [[6, 5], [3, 7], 2],
      [[4, 700], [60], 1],
      [[4, 4, 3], [6000], 2],
    ] as const) {
      const indices = below(4, ...rows, rank);
      const slice = shape.slice(rank);
      for (const updates of [normals(rng, ...rows, ...slice), below(9, ...rows, ...slice)])
        compareBackends(
          `scatterND [${shape}] at [${rows}, ${rank}]`,
          [indices, updates],
          (i, u) => tf.scatterND(i, u, [...shape]),
          exact,
        );
      const updates = kinds(...rows, ...slice);
      for (const [k, tensor] of kinds(...shape).entries())
        compareBackends(
          `tensorScatterUpdate [${shape}]`,
          [tensor, indices, updates[k]!],
          (t, i, u) => tf.tensorScatterUpdate(tf.clone(t), i, u),
          exact,
        );
    }
    for (const values of [normals(rng, 6), below(9, 6), bools(6), normals(rng)])
      compareBackends(
        'sparseToDense',
        [below(5, 6, 2), values],
        (i, v) => tf.sparseToDense(i, v, [5, 5], tf.cast(tf.scalar(1), v.dtype) as tf.Scalar),
        exact,
      );
    compareBackends('at nothing', [below(1, 0, 1), normals(rng, 0, 3)], (i, u) =>
      tf.scatterND(i, u, [4, 3]),
    );
  });

  test('sums of segments', () => {
    for (const [shape, segments] of [
      [[40], 7],
      [[40, 3], 30],
      [[60, 200], 5],
      [[9000, 2], 3],
      [[0, 3], 4],
    ] as const)
      compareBackends(
        `[${shape}] in ${segments}`,
        [normals(rng, ...shape), below(segments + 1, shape[0])],
        (x, ids) =>
          tf.unsortedSegmentSum(x, tf.sub(ids, tf.scalar(1, 'int32')) as tf.Tensor1D, segments),
        { terms: 9000 },
      );
    compareBackends(
      'of integers',
      [below(50, 40, 3), below(4, 40)],
      (x, ids) => tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 4),
      exact,
    );
  });

  test('counts and one-hot rows', () => {
    for (const binary of [false, true])
      for (const weights of [[], [30, 70]])
        for (const dtype of ['float32', 'int32'] as const)
          compareBackends(
            `denseBincount ${binary} [${weights}] ${dtype}`,
            [below(12, 30, 70), weights.length > 0 ? below(5, ...weights) : below(1, 0)],
            (x, w) =>
              tf.denseBincount(x as tf.Tensor2D, tf.cast(w, dtype) as tf.Tensor2D, 10, binary),
            exact,
          );
    for (const dtype of ['float32', 'int32', 'bool'] as const)
      compareBackends(
        `oneHot ${dtype}`,
        [below(7, 5, 60)],
        (i) => [
          tf.oneHot(tf.sub(i, tf.scalar(1, 'int32')), 5, 1, 0, dtype),
          tf.oneHot(i, 2, 1, 0, dtype),
        ],
        exact,
      );
    compareBackends('oneHot', [below(90, 400)], (i) => tf.oneHot(i, 90, 2.5, -1, 'float32'), exact);
    compareBackends('oneHot', [below(90, 400)], (i) => tf.oneHot(i, 90, 2.5, -1, 'int32'), exact);
  });

  test('topk', () => {
    for (const cols of [1, 5, 40, 600])
      for (const k of [1, 3, cols >> 1, cols]) {
        if (k > cols) continue;
        const x = normals(rng, 3, 4, cols);
        const coarse = { ...x, values: x.values.map((v) => Math.round(v * 4)) };
        for (const input of [x, coarse, below(30, 20, cols)])
          compareBackends(
            `${k} of ${cols}`,
            [input],
            (v) => {
              const { values, indices } = tf.topk(v, k);
              return [values, indices];
            },
            exact,
          );
      }
    const odd = Float32Array.of(1, NaN, 2, Infinity, 1, -0, 0, -Infinity);
    for (const k of [2, 8])
      compareBackends(
        'specials',
        [{ shape: [8], values: odd }],
        (v) => Object.values(tf.topk(v, k)),
        exact,
      );
  });

  test('unique', () => {
    const odd = { shape: [7], values: Float32Array.of(0, NaN, -0, 3, NaN, Infinity, 3) };
    const inputs: [Arrays[number], number][] = [
      [odd, 0],
      [below(9, 40), 0],
      [bools(5), 0],
      [below(9, 1, 40, 1), 1],
      [below(2, 12, 3), 0],
      [below(2, 3, 40), 1],
      [below(3, 4, 30, 2), 1],
      [{ shape: [3, 4], values: Float32Array.of(0, NaN, 1, 2, -0, NaN, 1, 2, 0, NaN, 1, 3) }, 0],
      [{ ...bools(12), shape: [6, 2] }, 0],
      [below(2, 0), 0],
      [below(2, 3, 0), 0],
      [below(700, 20000), 0],
    ];
    for (const [x, axis] of inputs)
      compareBackends(
        `[${x.shape}] along ${axis}`,
        [x],
        (v) => {
          const { values, indices } = tf.unique(v, axis);
          return [values, indices];
        },
        exact,
      );
  });

  test('multinomial draws what the CPU draws', () => {
    for (const [rows, cols] of [
      [1, 2],
      [40, 30],
      [3, 5000],
    ] as const)
      compareBackends(
        `${rows} of ${cols}`,
        [normals(rng, rows, cols)],
        (x) => [
          tf.multinomial(x as tf.Tensor2D, 9, 5),
          tf.multinomial(tf.softmax(x) as tf.Tensor2D, 9, 6, true),
        ],
        exact,
      );
  });

  test('an index outside is refused in the words of tfjs', () => {
    void tf.setBackend('native');
    const x = tf.ones([3, 4]);
    const outside = tf.tensor2d([[0], [3]], [2, 1], 'int32');
    expect(() => tf.gather(x, tf.tensor1d([0, 3], 'int32'))).toThrow('the index value 3 is not in');
    expect(() => tf.gatherND(x, outside)).toThrow('Invalid indices: 3');
    const rows = tf.ones([2, 4]);
    expect(() => tf.scatterND(outside, rows, [3, 4])).toThrow('Invalid indices: 3');
    expect(() => tf.tensorScatterUpdate(x, outside, rows)).toThrow('Invalid indices: 3');
    const negative = tf.tensor2d([[1, -1]], [1, 2], 'int32');
    expect(() => tf.denseBincount(negative, tf.tensor2d([], [0, 0]), 3)).toThrow('non-negative');
  });
}
