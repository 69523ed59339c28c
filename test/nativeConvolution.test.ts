// Convolution of images and volumes and its gradients on the native backend against the CPU backend: odd shapes, every attribute,
// special numbers, empty tensors, and shapes that are split into several tasks.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason, setThreads } from '../lib/backends/native/index.ts';
import { compareBackends, isas, nativeBytes, normals } from './support/native.ts';
import { odd, rng, type Pad, type Shape4 } from './support/spatial.ts';

if (isas.length === 0) {
  test.skip(`convolution: ${nativeUnavailableReason()}`, () => undefined);
} else {
  describe(`convolution for ${isas.join(', ')}`, () => {
    convolutionTests();
    depthwiseTests();
    threadTests();
  });
}

function convolutionTests(): void {
  const cases: readonly [Shape4, Shape4, number | [number, number], Pad, number][] = [
    [[2, 7, 9, 5], [3, 3, 5, 7], 1, 'same', 1],
    [[1, 11, 8, 3], [5, 4, 3, 33], [2, 3], 'same', 1],
    [[2, 9, 9, 4], [3, 2, 4, 5], 1, 'same', 2],
    [[1, 8, 8, 3], [4, 4, 3, 6], 4, 'valid', 1],
    [[2, 6, 5, 8], [1, 1, 8, 9], 1, 'valid', 1],
    [[2, 6, 5, 8], [1, 1, 8, 9], 2, 'same', 1],
    [[1, 4, 4, 2], [3, 3, 2, 3], 1, 4, 1],
    [[1, 6, 5, 2], [3, 3, 2, 3], 2, [[0, 0], [0, 2], [1, 0], [0, 0]], 1],
    [[3, 13, 12, 20], [3, 3, 20, 36], 1, 'same', 1],
    [[1, 4, 4, 700], [2, 2, 700, 3], 1, 'valid', 1],
    [[1, 2, 2, 60], [3, 3, 60, 500], 1, 'same', 1],
    [[0, 6, 6, 3], [3, 3, 3, 2], 1, 'same', 1],
  ]; // prettier-ignore
  test('convolution of images and its gradients', () => {
    for (const [shape, filter, strides, pad, dilations] of cases) {
      const name = `[${shape}] [${filter}] ${String(strides)} ${String(pad)} ${dilations}`;
      const conv = (x: tf.Tensor, f: tf.Tensor): tf.Tensor =>
        tf.conv2d(
          ...([x as tf.Tensor4D, f as tf.Tensor4D, strides, pad, 'NHWC', dilations] as const),
        );
      const inputs = [normals(rng, ...shape), normals(rng, ...filter)];
      const reasons = { terms: filter[0] * filter[1] * filter[2] };
      compareBackends(name, inputs, conv, reasons);
      if (dilations !== 1) continue;
      const out = tf.tidy(() => conv(tf.zeros(shape), tf.zeros(filter)).shape);
      const dy = normals(rng, ...out);
      const terms = {
        terms: Math.max(out[0]! * out[1]! * out[2]!, filter[0] * filter[1] * filter[3]),
      };
      const gradients = (x: tf.Tensor, f: tf.Tensor, g: tf.Tensor) =>
        tf.grads((a: tf.Tensor, b: tf.Tensor) => conv(a, b))([x, f], g);
      compareBackends(`gradients ${name}`, [...inputs, dy], gradients, terms);
    }
  });

  test('convolution with a bias and an activation', () => {
    const activations = [
      'linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu',
    ] as const; // prettier-ignore
    for (const activation of activations)
      for (const size of [1, 3])
        compareBackends(
          `${activation} ${size}`,
          [
            normals(rng, 2, 7, 6, 5),
            normals(rng, size, size, 5, 9),
            normals(rng, 9),
            normals(rng, 9),
          ],
          (x, filter, bias, alpha) =>
            tf.fused.conv2d({
              x: x as tf.Tensor4D,
              filter: filter as tf.Tensor4D,
              strides: 1,
              pad: 'same',
              bias,
              activation,
              ...(activation === 'prelu' && { preluActivationWeights: alpha }),
              leakyreluAlpha: 0.3,
            }),
          { terms: 45 },
        );
  });

  test('transposed convolution', () => {
    for (const [size, strides, pad] of [
      [4, 2, 'same'],
      [3, 2, 'valid'],
      [2, 3, 'valid'],
      [3, 1, 'same'],
    ] as const) {
      const out = pad === 'same' ? 5 * strides : 4 * strides + Math.max(size, strides);
      const shape: Shape4 = [2, out, out, 4];
      compareBackends(
        `${size} by ${strides}`,
        [normals(rng, 2, 5, 5, 6), normals(rng, size, size, 4, 6)],
        (x, f) =>
          tf.conv2dTranspose(
            ...([x as tf.Tensor4D, f as tf.Tensor4D, shape, strides, pad] as const),
          ),
        { terms: 6 * size * size },
      );
    }
  });

  test('convolution of volumes and its gradients', () => {
    const cases3 = [
      [[2, 4, 5, 6, 3], [3, 2, 3, 3, 4], 1, 'same', 1],
      [[1, 5, 6, 5, 2], [2, 3, 2, 2, 17], 2, 'valid', 1],
      [[1, 6, 7, 7, 2], [2, 2, 2, 2, 3], 1, 'same', 2],
    ] as const; // prettier-ignore
    for (const [shape, filter, strides, pad, dilations] of cases3) {
      const conv = (x: tf.Tensor, f: tf.Tensor): tf.Tensor =>
        tf.conv3d(
          ...([x as tf.Tensor5D, f as tf.Tensor5D, strides, pad, 'NDHWC', dilations] as const),
        );
      const inputs = [normals(rng, ...shape), normals(rng, ...filter)];
      compareBackends(`[${shape}] [${filter}]`, inputs, conv, { terms: 60 });
      if (dilations !== 1) continue;
      const out = tf.tidy(() => conv(tf.zeros([...shape]), tf.zeros([...filter])).shape);
      const gradients = (x: tf.Tensor, f: tf.Tensor, g: tf.Tensor) =>
        tf.grads((a: tf.Tensor, b: tf.Tensor) => conv(a, b))([x, f], g);
      compareBackends('gradients', [...inputs, normals(rng, ...out)], gradients, { terms: 500 });
    }
  });
}

function depthwiseTests(): void {
  const cases: readonly [Shape4, Shape4, number | [number, number], Pad, number][] = [
    [[2, 7, 9, 5], [3, 3, 5, 1], 1, 'same', 1],
    [[1, 12, 25, 36], [3, 5, 36, 1], 1, 'same', 1],
    [[2, 9, 8, 17], [3, 2, 17, 1], [2, 2], 'same', 1],
    [[1, 9, 20, 4], [3, 3, 4, 1], 1, 'same', 2],
    [[1, 8, 7, 3], [2, 3, 3, 4], 2, 'valid', 1],
    [[2, 6, 5, 2], [3, 3, 2, 3], 1, 4, 1],
    [[1, 6, 9, 2], [3, 3, 2, 1], 2, [[0, 0], [0, 2], [1, 0], [0, 0]], 1],
    [[2, 22, 21, 40], [3, 3, 40, 1], 1, 'same', 1],
    [[0, 6, 6, 3], [3, 3, 3, 2], 1, 'same', 1],
  ]; // prettier-ignore
  test('convolution of each channel and its gradients', () => {
    for (const [shape, filter, strides, pad, dilations] of cases) {
      const name = `[${shape}] [${filter}] ${String(strides)} ${String(pad)} ${dilations}`;
      const conv = (x: tf.Tensor, f: tf.Tensor): tf.Tensor =>
        tf.depthwiseConv2d(
          ...([x as tf.Tensor4D, f as tf.Tensor4D, strides, pad, 'NHWC', dilations] as const),
        );
      const inputs = [normals(rng, ...shape), normals(rng, ...filter)];
      compareBackends(name, inputs, conv, { terms: filter[0] * filter[1] });
      if (dilations !== 1) continue;
      const out = tf.tidy(() => conv(tf.zeros(shape), tf.zeros(filter)).shape);
      const gradients = (x: tf.Tensor, f: tf.Tensor, g: tf.Tensor) =>
        tf.grads((a: tf.Tensor, b: tf.Tensor) => conv(a, b))([x, f], g);
      const dy = normals(rng, ...out);
      compareBackends(`gradients ${name}`, [...inputs, dy], gradients, { terms: 3000 });
    }
  });

  test('… with a bias and an activation', () => {
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'prelu'] as const)
      for (const times of [1, 2])
        compareBackends(
          `${activation} ${times}`,
          [
            normals(rng, 2, 7, 6, 5),
            normals(rng, 3, 3, 5, times),
            normals(rng, 5 * times),
            normals(rng, 5 * times),
          ],
          (x, filter, bias, alpha) =>
            tf.fused.depthwiseConv2d({
              x: x as tf.Tensor4D,
              filter: filter as tf.Tensor4D,
              strides: 1,
              pad: 'same',
              bias,
              activation,
              ...(activation === 'prelu' && { preluActivationWeights: alpha }),
            }),
          { terms: 9 },
        );
  });

  test('NaN and infinity stay as they are in every activation that bounds', () => {
    const filter = { shape: [1, 1, 3, 1], values: Float32Array.of(1, 1, 1) };
    for (const activation of ['linear', 'relu', 'relu6'] as const)
      compareBackends(
        activation,
        [odd(1, 4, 5, 3), filter],
        (x, f) =>
          tf.fused.depthwiseConv2d({
            x: x as tf.Tensor4D,
            filter: f as tf.Tensor4D,
            strides: 1,
            pad: 'same',
            activation,
          }),
        { rtol: 0 },
      );
  });
}

function threadTests(): void {
  test('results do not depend on the number of threads', () => {
    const inputs = [
      normals(rng, 3, 40, 41, 20),
      normals(rng, 3, 3, 20, 20),
      normals(rng, 3, 3, 20, 1),
    ];
    const body = (x: tf.Tensor, filter: tf.Tensor, each: tf.Tensor): tf.Tensor[] => {
      const image = x as tf.Tensor4D;
      const conv = (a: tf.Tensor, b: tf.Tensor) =>
        tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 2, 'same');
      const depthwise = (a: tf.Tensor, b: tf.Tensor) =>
        tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same');
      const out = conv(image, filter);
      return [
        ...[out, ...tf.grads(conv)([image, filter], out)],
        ...tf.grads(depthwise)([image, each], image),
        tf.image.resizeBilinear(image, [60, 70]),
      ];
    };
    setThreads(1);
    const one = nativeBytes(inputs, body);
    setThreads(3);
    expect(nativeBytes(inputs, body).equals(one)).toBe(true);
  });
}
