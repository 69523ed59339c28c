// The guards of the WebAssembly backend: arguments with which tfjs's kernels leave their memory, or read what lies there.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { loadWasm } from '../lib/backends/wasm/load.ts';
import { InputError } from '../lib/core/errors.ts';
import { assertEachClose, runOn } from './support/native.ts';

const image = (height: number, width: number, channels = 2): tf.Tensor4D =>
  tf.range(1, 1 + height * width * channels).as4D(1, height, width, channels);
const ints = (values: number[][]): tf.Tensor2D =>
  tf.tensor2d(values, [values.length, values[0]!.length], 'int32');

beforeAll(async () => {
  await loadWasm(undefined);
  await tf.setBackend('wasm');
});
beforeEach(() => tf.setBackend('wasm'));
// Whatever a test did, the backend still computes.
afterEach(() => {
  void tf.setBackend('wasm');
  expect(Array.from(tf.add([1, 2], 3).dataSync())).toEqual([4, 5]);
});

function compare(name: string, body: () => tf.Tensor | tf.Tensor[]): void {
  const [wanted, got] = ['cpu', 'wasm'].map((backend) => runOn(backend, [], body));
  wanted!.forEach(({ shape, values }, i) => {
    expect(got![i]!.shape).toEqual(shape);
    assertEachClose(name, got![i]!.values, values, 1e-5, 1e-5);
  });
}

describe.each(['floor', 'round', 'ceil'] as const)('the number of windows by %s', (mode) => {
  const windows = [
    [2, 2, 0],
    [3, 2, 0],
    [3, 2, 1],
    [3, 1, 1],
  ] as const;
  test.each(['maxPool', 'avgPool'] as const)('of %s', (name) => {
    for (const [filter, stride, pad] of windows)
      for (const [height, width] of [
        [5, 6],
        [7, 8],
      ] as const)
        compare(`${filter} ${stride} ${pad}`, () =>
          tf[name](image(height, width), filter, stride, pad, mode),
        );
  });

  test('of convolutions', () => {
    const filter = tf.ones([3, 3, 2, 2]) as tf.Tensor4D;
    for (const stride of [1, 2, 3])
      compare(`${stride}`, () => {
        const x = image(6, 7);
        const weights = tf.ones(filter.shape) as tf.Tensor4D;
        return [
          tf.conv2d(x, weights, stride, 1, 'NHWC', 1, mode),
          tf.depthwiseConv2d(x, weights, stride, 1, 'NHWC', 1, mode),
        ];
      });
  });
});

test('each window has its part in the gradient of a pool', () => {
  // A row of zeros behind says the same as rounding up.
  const behind = [[0, 0], [0, 1], [0, 0], [0, 0]] as [number, number][]; // prettier-ignore
  const squares = (pooled: tf.Tensor): tf.Scalar => tf.sum(tf.square(pooled));
  const [rounded, padded] = runOn('wasm', [], () =>
    [
      (x: tf.Tensor) => squares(tf.maxPool(x as tf.Tensor4D, 2, 2, 0, 'ceil')),
      (x: tf.Tensor) => squares(tf.maxPool(tf.pad(x, behind) as tf.Tensor4D, 2, 2, 0)),
    ].map((f) => tf.grad(f)(image(5, 6))),
  );
  assertEachClose('gradient', rounded!.values, padded!.values, 0, 0);
});

describe('a window larger than its image is refused, and breaks nothing:', () => {
  const big = (channels: number, out: number): tf.Tensor4D =>
    tf.ones([5, 5, channels, out]) as tf.Tensor4D;
  const volume = (): tf.Tensor5D => tf.ones([1, 3, 3, 3, 1]);
  test.each<[string, () => unknown]>([
    ['maxPool', () => tf.maxPool(image(3, 3), 5, 1, 'valid')],
    ['avgPool', () => tf.avgPool(image(3, 3), [1, 5], 1, 'valid')],
    ['dilated pool', () => tf.pool(image(3, 3), 5, 'max', 'valid', 1)],
    ['conv2d', () => tf.conv2d(image(3, 3), big(2, 1), 1, 'valid')],
    ['dilated conv2d', () => tf.conv2d(image(4, 4), tf.ones([3, 3, 2, 1]), 1, 'valid', 'NHWC', 3)],
    ['depthwise', () => tf.depthwiseConv2d(image(3, 3), big(2, 1), 1, 'valid')],
    ['conv3d', () => tf.conv3d(volume(), tf.ones([5, 5, 5, 1, 1]), 1, 'valid')],
    ['maxPool3d', () => tf.maxPool3d(volume(), 5, 1, 'valid')],
  ])('%s', (_, body) => {
    expect(body).toThrow(InputError);
    expect(body).toThrow(
      /^Expected a window that fits into (3|4) × (3|4)( × 3)? for \w+, received one of \d/,
    );
  });

  test('and one that sees none of it', () => {
    expect(() => tf.maxPool(image(3, 3), 2, 1, 3, 'floor')).toThrow('each see some of 3 pixels');
  });
});

test('axes of running sums and products count from the end', () => {
  for (const [axis, same] of [
    [-1, 3],
    [-2, 2],
    [-4, 0],
  ] as const)
    for (const name of ['cumsum', 'cumprod'] as const) {
      const [got, wanted] = runOn('wasm', [], () => [
        tf[name](image(2, 3), axis, true),
        tf[name](image(2, 3), same, true),
      ]);
      assertEachClose(name, got!.values, wanted!.values, 0, 0);
    }
});

test('sums over nothing are no memory of others', () => {
  for (let i = 0; i < 20; i += 1) tf.fill([64], 7 + i).dispose();
  compare('reductions', () => {
    const x = tf.zeros([0, 8]);
    return [
      tf.sum(x, 0),
      tf.mean(x, 0, true),
      tf.prod(x, 0),
      tf.max(x, 0),
      tf.min(x, 0),
      tf.sum(x),
    ];
  });
  compare('products', () => [
    tf.matMul(tf.zeros([8, 0]), tf.zeros([0, 8])),
    tf.matMul(tf.zeros([2, 0, 8]), tf.zeros([2, 4, 0]), true, true),
  ]);
});

test('indices outside are refused with the words of tfjs', () => {
  for (const at of [-1, 3, 1e8]) {
    const one = tf.tensor1d([1]);
    const words = `Invalid indices: ${at} does not index into 3`;
    expect(() => tf.scatterND(ints([[at]]), one, [3])).toThrow(words);
    expect(() => tf.gatherND(tf.ones([3]), ints([[at]]))).toThrow(words);
    expect(() => tf.tensorScatterUpdate(tf.zeros([3]), ints([[at]]), one)).toThrow(words);
    expect(() => tf.sparseToDense(ints([[at]]), one, [3])).toThrow(words);
    const box = tf.tensor2d([[0, 0, 1, 1]]);
    const index = tf.tensor1d([at], 'int32');
    expect(() => tf.image.cropAndResize(image(3, 3), box, index, [2, 2])).toThrow(InputError);
  }
  const ids = tf.tensor1d([-1, 0], 'int32');
  const rows = tf.tensor1d([0, 1], 'int32');
  expect(() => tf.sparse.sparseSegmentSum(tf.ones([3, 2]), rows, ids)).toThrow(
    'segment ids must be >= 0, but the one at 0 is -1',
  );
  expect(Array.from(tf.gatherND([5, 6, 7], ints([[2], [0]])).dataSync())).toEqual([7, 5]);
});
