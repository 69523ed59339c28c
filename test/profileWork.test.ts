// The formulas of FLOPs and bytes against loops that count.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { linear } from '../lib/ops/linear.ts';
import { scaledDotProductAttention } from '../lib/ops/attention.ts';
import { profileKernels } from '../lib/profile/profileKernels.ts';
import { workOf } from '../lib/profile/work.ts';
import { tfjsCosts } from '../lib/profile/tfjsCosts.ts';

beforeAll(() => tf.setBackend('cpu'));

async function rowsOf(run: () => unknown) {
  const { rows, work } = await profileKernels(() => tf.tidy(() => void run()));
  return { work, row: (name: string) => rows.find(({ kernel }) => kernel === name)! };
}

test('a linear layer of m × k by k × n has 2mnk operations, whatever computes it', async () => {
  const [m, k, n] = [6, 5, 7];
  const [x, weight, bias] = [
    tf.ones([2, 3, k]),
    tf.ones<tf.Rank.R2>([n, k]),
    tf.ones<tf.Rank.R1>([n]),
  ];
  const { row, work } = await rowsOf(() => linear(x, weight, bias));
  expect(row('VitLinear')).toMatchObject({ calls: 1, flops: 2 * m * n * k });
  expect(row('VitLinear').bytes).toBe(4 * (m * k + n * k + n + m * n));
  // On this backend a product does it, and has its own row; the whole has it once.
  expect(row('BatchMatMul')).toMatchObject({ calls: 1, flops: 2 * m * n * k });
  expect(work.macs).toBe(m * n * k);
});

test.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('a product, transposed %s and %s', async (transposeA, transposeB) => {
  const [batch, m, k, n] = [3, 4, 5, 6];
  const a = tf.ones(transposeA ? [batch, k, m] : [batch, m, k]);
  const b = tf.ones(transposeB ? [n, k] : [k, n]);
  const { row, work } = await rowsOf(() => tf.matMul(a, b, transposeA, transposeB));
  expect(work.macs).toBe(batch * m * n * k);
  expect(row('BatchMatMul').flops).toBe(2 * batch * m * n * k);
});

test('attention: two products forward, five backward', async () => {
  const [B, h, N, D] = [2, 3, 5, 4];
  const q = tf.ones<tf.Rank.R4>([B, h, N, D]);
  const attend = (x: tf.Tensor) => {
    const heads = x as tf.Tensor4D;
    return scaledDotProductAttention(heads, heads, heads).out;
  };
  const { row } = await rowsOf(() => tf.grad(attend)(q));
  expect(row('VitAttention').flops).toBe(2 * 2 * B * h * N * N * D);
  expect(row('VitAttentionGrad').flops).toBe(5 * 2 * B * h * N * N * D);
});

test('a convolution and its gradients', async () => {
  const x = tf.ones<tf.Rank.R4>([2, 6, 5, 3]);
  const filter = tf.ones<tf.Rank.R4>([3, 2, 3, 4]);
  let multiplications = 0;
  for (let image = 0; image < 2; image += 1) {
    for (let top = 0; top + 3 <= 6; top += 1) {
      for (let left = 0; left + 2 <= 5; left += 1) multiplications += 3 * 2 * 3 * 4;
    }
  }
  const convolve = (a: tf.Tensor, b: tf.Tensor) =>
    tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'valid');
  const { row, work } = await rowsOf(() => tf.grads(convolve)([x, filter]));
  for (const name of ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']) {
    expect(row(name).flops).toBe(2 * multiplications);
  }
  expect(work.macs).toBe(3 * multiplications);
});

test('a depthwise convolution and its gradients', async () => {
  const x = tf.ones<tf.Rank.R4>([1, 4, 4, 3]);
  const filter = tf.ones<tf.Rank.R4>([2, 2, 3, 2]);
  const multiplications = 3 * 3 * (3 * 2) * (2 * 2);
  const convolve = (a: tf.Tensor, b: tf.Tensor) =>
    tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'valid');
  const { row } = await rowsOf(() => tf.grads(convolve)([x, filter]));
  for (const name of ['', 'BackpropFilter', 'BackpropInput']) {
    expect(row(`DepthwiseConv2dNative${name}`).flops).toBe(2 * multiplications);
  }
});

test('elements, sums, copies, views', async () => {
  const x = tf.ones([10, 20]);
  const { row, work } = await rowsOf(() => {
    tf.sum(tf.exp(tf.add(x, 1)), 1);
    tf.slice(x, [0, 0], [10, 2]);
    tf.reshape(x, [200]);
    tf.less(x, 2);
    tf.transpose(x);
  });
  expect(row('Add')).toMatchObject({ flops: 200, bytes: 4 * (200 + 1 + 200) });
  expect(row('Exp')).toMatchObject({ flops: 200, bytes: 4 * 400 });
  expect(row('Sum')).toMatchObject({ flops: 200, bytes: 4 * 210 });
  expect(row('Less')).toMatchObject({ flops: 200, bytes: 4 * 201 + 200 });
  expect(row('Slice')).toMatchObject({ flops: 0, bytes: 2 * 4 * 20 });
  expect(row('Transpose')).toMatchObject({ flops: 0, bytes: 4 * 400 });
  expect(row('Reshape')).toMatchObject({ flops: 0, bytes: 0, gflops: undefined, gbps: undefined });
  expect(work).toMatchObject({ macs: 0, flops: 800 });
});

test('a kernel without a formula has bytes alone', () => {
  const tensor = { shape: [3], dtype: 'float32' as const };
  const call = { inputs: { x: tensor }, attrs: {}, outputs: [tensor] };
  expect(workOf('SomebodysOwn', call)).toEqual({ macs: 0, flops: undefined, bytes: 24 });
  expect(workOf('toString', call).flops).toBeUndefined();
});

test('every name of the table is a kernel of tfjs', () => {
  const known = new Set<unknown>(Object.values(tf).filter((value) => typeof value === 'string'));
  expect(known.size).toBeGreaterThan(150);
  expect(Object.keys(tfjsCosts).filter((name) => !known.has(name))).toEqual([]);
});
