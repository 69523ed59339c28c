import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '../lib/node.ts';
import { Rng } from '../lib/core/rng.ts';

// Matrix products on wasm, transposed operands too, against those of the CPU backend.
const shapes = [
  { a: [5, 7], b: [7, 3] },
  { a: [17, 65], b: [65, 33] },
  { a: [1, 17, 8], b: [1, 8, 4] },
  { a: [2, 3, 5, 7], b: [2, 3, 7, 4] },
  { a: [3, 5, 7], b: [1, 7, 4] },
  { a: [0, 7], b: [7, 3] },
];

const swapped = (shape: number[]) => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
const drawn = (shape: number[], key: string) => {
  const rng = new Rng(1).split(key, shape.join());
  const size = shape.reduce((product, n) => product * n, 1);
  return Float32Array.from({ length: size }, () => rng.normal());
};

describe('matMul on wasm', () => {
  for (const { a, b } of shapes) {
    test.each([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ])(`[${a.join()}]·[${b.join()}], transposed %p and %p`, async (transposeA, transposeB) => {
      const [shapeA, shapeB] = [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b];
      const results: Float32Array[] = [];
      for (const backend of ['cpu', 'wasm']) {
        await selectBackend({ backend });
        const before = tf.memory().numTensors;
        const [x, y] = [
          tf.tensor(drawn(shapeA, 'a'), shapeA),
          tf.tensor(drawn(shapeB, 'b'), shapeB),
        ];
        const z = tf.matMul(x, y, transposeA, transposeB);
        results.push((await z.data()).slice() as Float32Array);
        const buffers = tf.memory().numDataBuffers;
        tf.dispose([x, y, z]);
        // The transposed copies of the operands are freed: only the three tensors held memory.
        expect(tf.memory().numDataBuffers).toBe(buffers - 3);
        expect(tf.memory().numTensors).toBe(before);
      }
      const [plain, fast] = results as [Float32Array, Float32Array];
      expect(fast.length).toBe(plain.length);
      fast.forEach((value, i) => expect(Math.abs(value - plain[i]!)).toBeLessThan(2e-5));
    });
  }
});
