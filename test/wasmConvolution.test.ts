import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '../lib/node.ts';
import { Rng } from '../lib/core/rng.ts';

// Gradients of convolutions on wasm against those of the CPU backend: image, kernel, stride, padding.
const rows: [number[], number[], number, number | 'same' | 'valid'][] = [
  [[2, 6, 5, 3], [3, 3, 3, 4], 1, 1],
  [[2, 7, 8, 3], [3, 3, 3, 2], 2, 1],
  [[1, 9, 9, 1], [7, 7, 1, 2], 2, 3],
  [[3, 5, 4, 2], [1, 1, 2, 3], 2, 0],
  [[2, 6, 6, 2], [2, 3, 2, 2], 1, 'same'],
  [[1, 6, 6, 2], [3, 3, 2, 1], 2, 'valid'],
];

const drawn = (shape: number[], key: string) => {
  const rng = new Rng(1).split(key, shape.join());
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.tensor4d(
    Float32Array.from({ length: size }, () => rng.normal()),
    shape as [number, number, number, number],
  );
};

test.each(rows)('%j by %j, stride %d, padding %s', async (xShape, filterShape, stride, pad) => {
  const results: Float32Array[] = [];
  for (const backend of ['cpu', 'wasm']) {
    await selectBackend({ backend });
    const before = tf.memory().numTensors;
    const [x, filter] = [drawn(xShape, 'x'), drawn(filterShape, 'filter')];
    const loss = (a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(tf.square(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad)));
    const [, dFilter] = tf.grads(loss as never)([x, filter]) as tf.Tensor[];
    results.push((await dFilter!.data()).slice() as Float32Array);
    tf.disposeVariables();
    tf.dispose([x, filter, dFilter!]);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 1);
  }
  const [plain, own] = results as [Float32Array, Float32Array];
  const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(own.length).toBe(plain.length);
  own.forEach((value, i) => expect(Math.abs(value - plain[i]!)).toBeLessThan(2e-6 * largest));
});
