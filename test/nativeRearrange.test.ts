// Kernels that only move elements, native against the CPU backend, in all dtypes and to the bit.

import * as tf from '@tensorflow/tfjs';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { compareBackends, isas, nativeBytes, normals, type Arrays } from './support/native.ts';

const rng = new Rng(23);
const exact = { rtol: 0 };

// The same numbers as float32, int32 and bool.
function inDtypes(...shape: number[]): Arrays[number][] {
  const { values } = normals(rng, ...shape);
  const whole = Int32Array.from(values, (value) => Math.round(1000 * value));
  return [
    { shape, values },
    { shape, values: whole, dtype: 'int32' },
    { shape, values: Uint8Array.from(values, (value) => (value > 0 ? 1 : 0)), dtype: 'bool' },
  ];
}

function compare(shape: number[], name: string, body: (x: tf.Tensor) => tf.Tensor): void {
  for (const input of inDtypes(...shape))
    compareBackends(`${name} of ${input.dtype ?? 'float32'} [${shape}]`, [input], body, exact);
}

if (isas.length === 0) {
  test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
} else {
  test('reverse', () => {
    const cases = [
      [[7], [0]],
      [[3, 50, 17], [1]],
      [
        [3, 5, 17],
        [0, -1],
      ],
      [[2, 3, 4, 5], undefined],
      [[0, 3], [1]],
      [[40, 700], [1]],
    ] as const;
    for (const [shape, axes] of cases)
      compare([...shape], `reverse ${axes}`, (x) => tf.reverse(x, axes?.slice()));
  });

  test('padding below 0 cuts off', () => {
    compare([3, 5], 'pad', (x) => tf.pad(x, [[-1, 0], [2, -2]], 1)); // prettier-ignore
  });

  test('strided slice', () => {
    const cases = [
      { shape: [9], begin: [8], end: [1], steps: [-2] },
      { shape: [9], begin: [1], end: [8], steps: [3] },
      { shape: [4, 7, 5], begin: [0, 6, 0], end: [4, 0, 5], steps: [2, -3, 1] },
      { shape: [4, 7, 5], begin: [3, 1, 4], end: [0, 6, 0], steps: [-1, 2, -2], masks: [2, 1] },
      { shape: [4, 7, 5], begin: [1, 2], end: [3, 4], steps: [2, 1], masks: [0, 0, 2] },
      { shape: [4, 7], begin: [3, 0], end: [1, 7], steps: [1, 2] },
      { shape: [300, 300], begin: [0, 1], end: [300, 300], steps: [1, 2] },
      { shape: [6, 4], begin: [1, 0], end: [4, 4], steps: [1, 1] },
    ];
    for (const { shape, begin, end, steps, masks = [] } of cases)
      compare(shape, `from ${begin} to ${end} by ${steps} ${masks}`, (x) =>
        tf.stridedSlice(x, begin, end, steps, ...masks),
      );
  });

  test('strided slice that drops or adds an axis, where the CPU backend fails', () => {
    for (const input of inDtypes(4, 7)) {
      const drop = (x: tf.Tensor): tf.Tensor =>
        tf.stridedSlice(x, [2, 0], [3, 7], [1, 2], 0, 0, 0, 0, 1);
      const add = (x: tf.Tensor): tf.Tensor =>
        tf.stridedSlice(x, [0, 0, 1], [4, 1, 7], [2, 1, 2], 0, 0, 0, 2);
      const odd = tf.tensor1d([1, 3, 5], 'int32');
      const even = tf.tensor1d([0, 2, 4, 6], 'int32');
      expect(nativeBytes([input], drop)).toEqual(
        nativeBytes([input], (x) => tf.gather(tf.slice(x, [2, 0], [1, 7]), even, 1)),
      );
      expect(nativeBytes([input], add)).toEqual(
        nativeBytes([input], (x) =>
          tf.gather(tf.stack([tf.unstack(x)[0]!, tf.unstack(x)[2]!]), odd, 1),
        ),
      );
    }
  });

  test('pad with a value, mirrored with and without the edge', () => {
    const cases: [number[], [number, number][]][] = [
      [[5], [[2, 1]]],
      [[5], [[0, 4]]],
      [
        [3, 4],
        [
          [2, 2],
          [3, 0],
        ],
      ],
      [
        [2, 5, 3],
        [
          [1, 0],
          [0, 0],
          [2, 2],
        ],
      ],
      [
        [130, 170],
        [
          [20, 3],
          [1, 90],
        ],
      ],
    ];
    for (const [shape, paddings] of cases) {
      compare(shape, `pad ${paddings}`, (x) => tf.pad(x, paddings, 1));
      for (const mode of ['reflect', 'symmetric'] as const)
        compare(shape, `${mode} ${paddings}`, (x) => tf.mirrorPad(x, paddings, mode));
    }
    compareBackends('pad of nothing', [normals(rng, 0, 3)], (x) =>
      tf.pad(x, [[1, 2], [0, 1]], 7), exact); // prettier-ignore
  });

  test('space to batch and back, depth to space', () => {
    const borders = [
      [0, 0],
      [1, 2],
    ];
    compare([2, 4, 9, 3], 'space to batch', (x) => tf.spaceToBatchND(x, [2, 3], borders));
    compare([2, 6, 5], 'space to batch of rank 3', (x) => tf.spaceToBatchND(x, [3], [[0, 0]]));
    compare([12, 3, 5, 2], 'batch to space', (x) =>
      tf.batchToSpaceND(
        x,
        [2, 3],
        [
          [1, 0],
          [0, 2],
        ],
      ),
    );
    compareBackends(
      'depth to space',
      [normals(rng, 2, 3, 5, 12)],
      (x) => tf.depthToSpace(x as tf.Tensor4D, 2, 'NHWC'),
      exact,
    );
    compare([4, 40, 40, 8], 'both ways', (x) =>
      tf.batchToSpaceND(tf.spaceToBatchND(x, [2, 2], [[0, 0], [0, 0]]), [2, 2], [[0, 0], [0, 0]]),
    ); // prettier-ignore
  });
}
