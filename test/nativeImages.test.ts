// Convolution, batch normalization and gather on the native backend against the kernels they replace.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason, setThreads } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { grads } from '../lib/ops/gradients.ts';
import { compareBackends, isas, nativeBytes, normals, type Arrays } from './support/native.ts';

if (isas.length === 0) test.skip(`native: ${nativeUnavailableReason()}`, () => undefined);
else describe(`native kernels of images for ${isas.join(', ')}`, imageTests);

type Shape = [number, number, number, number];
type Pad = number | 'valid' | 'same';

function imageTests(): void {
  const rng = new Rng(21);
  const cases: [x: Shape, filter: Shape, stride: number, pad: Pad][] = [
    [[2, 8, 12, 3], [4, 4, 3, 5], 4, 'valid'], // patch embedding
    [[2, 9, 11, 2], [2, 2, 2, 3], 4, 'valid'], // pixels that no filter sees
    [[2, 7, 6, 3], [3, 3, 3, 4], 1, 'same'],
    [[1, 8, 8, 2], [3, 3, 2, 4], 2, 'same'],
    [[3, 5, 5, 4], [1, 1, 4, 6], 1, 'valid'],
    [[3, 5, 5, 4], [1, 1, 4, 6], 2, 'valid'],
    [[1, 6, 7, 1], [3, 2, 1, 1], 1, 2],
    [[1, 4, 4, 2], [4, 4, 2, 3], 1, 'valid'],
  ]; // prettier-ignore

  test.each(cases)('convolution of [%p] by [%p], stride %p, pad %p', (x, filter, stride, pad) => {
    const conv = (...[image, weight]: tf.Tensor[]): tf.Tensor =>
      tf.conv2d(image as tf.Tensor4D, weight as tf.Tensor4D, stride, pad);
    const inputs = [normals(rng, ...x), normals(rng, ...filter)];
    compareBackends('conv2d', inputs, (...all) => withGradients(conv, all), { terms: 512 });
  });

  test('convolution with dilation, a bias, and an activation', () => {
    const inputs = [normals(rng, 2, 9, 9, 3), normals(rng, 3, 3, 3, 4), normals(rng, 4)];
    for (const [activation, dilations, strides] of [
      ['linear', 2, 1],
      ['relu', 1, 2],
    ] as const)
      compareBackends(activation, inputs, (x, filter, bias) => tf.fused.conv2d({
        x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, bias: bias!, strides, pad: 'same', dilations, activation,
      }), { terms: 27 }); // prettier-ignore
  });

  test('a batch whose columns do not fit at once, on any number of threads', () => {
    const inputs = [normals(rng, 5, 66, 66, 16), normals(rng, 3, 3, 16, 2)];
    const conv = (...[image, weight]: tf.Tensor[]): tf.Tensor =>
      tf.conv2d(image as tf.Tensor4D, weight as tf.Tensor4D, 1, 'valid');
    const alone = (image: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
      tf.concat(tf.split(image, 5).map((one) => conv(one, weight)));
    expect(nativeBytes(inputs, conv).equals(nativeBytes(inputs, alone))).toBe(true);
    const one = tf.tidy(() => nativeBytes(inputs, (...all) => withGradients(conv, all)));
    setThreads(3);
    const three = nativeBytes(inputs, (...all) => withGradients(conv, all));
    setThreads(2);
    expect(three.equals(one)).toBe(true);
    const summed = (...[image, weight]: tf.Tensor[]): tf.Tensor =>
      tf.addN(tf.split(image!, 5).map((part) => withGradients(conv, [part, weight!])[2]!));
    const tensors = (body: (...all: tf.Tensor[]) => tf.Tensor): Float32Array =>
      new Float32Array(new Uint8Array(nativeBytes(inputs, body)).buffer);
    const whole = tensors((...all) => withGradients(conv, all)[2]!);
    const parts = tensors(summed);
    const largest = Math.max(...whole.map(Math.abs));
    whole.forEach((value, i) => expect(Math.abs(value - parts[i]!)).toBeLessThan(1e-5 * largest));
  });

  test('batch normalization, also without scale and offset', () => {
    const variance = normals(rng, 7);
    variance.values.forEach((value, i) => (variance.values[i] = value * value));
    const inputs = [
      normals(rng, 3, 5, 4, 7),
      normals(rng, 7),
      variance,
      normals(rng, 7),
      normals(rng, 7),
    ];
    compareBackends('batchNorm', inputs, (x, mean, spread, offset, scale) => {
      const norm = (...rest: tf.Tensor1D[]): tf.Tensor =>
        tf.batchNorm(x!, mean as tf.Tensor1D, spread as tf.Tensor1D, rest[0], rest[1], 1e-3);
      return [norm(), norm(offset as tf.Tensor1D), norm(offset as tf.Tensor1D, scale as tf.Tensor1D)];
    }, { gain: 8 }); // prettier-ignore
  });

  test('gather along each axis, with batches, and out of range', () => {
    const indices: Arrays[number] = {
      shape: [2, 2],
      values: Int32Array.of(1, 0, 2, 1),
      dtype: 'int32',
    };
    for (const width of [1, 5, 40])
      compareBackends(`${width}`, [normals(rng, 3, 4, width + 2), indices], (x, chosen) => [
        tf.gather(x!, chosen as tf.Tensor2D),
        tf.gather(x!, chosen as tf.Tensor2D, 1),
        tf.gather(x!, chosen as tf.Tensor2D, -1),
        tf.gather(tf.slice(x!, 0, 2), chosen as tf.Tensor2D, 1, 1),
        tf.gather(x!, tf.tensor1d([], 'int32')),
      ]); // prettier-ignore
    void tf.setBackend('native');
    for (const bad of [3, -1])
      expect(() =>
        tf.tidy(() => tf.gather(tf.zeros([3, 20]), tf.tensor1d([bad], 'int32'))),
      ).toThrow(/not in \[0, 2\]/);
  });
}

// The result and the gradients of Σ y·σ(y).
function withGradients(op: (...x: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const scalar = (...x: tf.Tensor[]): tf.Tensor => {
    const y = op(...x);
    return tf.sum(tf.mul(y, tf.sigmoid(y)));
  };
  return [op(...inputs), ...grads(scalar)(inputs)];
}
