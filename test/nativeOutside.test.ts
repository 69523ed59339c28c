// Beyond the edge of an image a convolution counts nothing, on the native backend as on the CPU's: not even zeros times infinity.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { compareBackends, isas, normals, type Arrays } from './support/native.ts';
import { rng } from './support/spatial.ts';

if (isas.length === 0) test.skip(`convolution: ${nativeUnavailableReason()}`, () => undefined);
else
  describe('beyond the edge of an image', () => {
    // Normal numbers between two that are not.
    const filled = (value: number, ...shape: number[]): Arrays[number] => {
      const { values } = normals(rng, ...shape);
      values[0] = value;
      values[values.length - 1] = -value;
      return { shape, values };
    };
    type Conv = (x: tf.Tensor, filter: tf.Tensor) => tf.Tensor;
    const images =
      (stride: number, pad: 'same' | 'valid'): Conv =>
      (x, filter) =>
        tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
    const volumes: Conv = (x, filter) =>
      tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, 1, 'same');
    const depthwise: Conv = (x, filter) =>
      tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
    const cases: [name: string, conv: Conv, x: number[], filter: number[]][] = [
      ['same', images(1, 'same'), [2, 5, 6, 3], [3, 3, 3, 4]],
      ['of stride 2', images(2, 'same'), [1, 7, 6, 20], [5, 5, 20, 3]],
      ['valid', images(1, 'valid'), [2, 5, 6, 3], [3, 3, 3, 4]],
      ['by lines', images(1, 'same'), [1, 9, 30, 20], [3, 3, 20, 8]],
      // Longer sums than there are results.
      ['of few results', images(1, 'same'), [1, 2, 3, 40], [3, 3, 40, 17]],
      ['of volumes', volumes, [1, 3, 4, 5, 2], [3, 3, 3, 2, 3]],
      ['of single channels', depthwise, [2, 5, 6, 3], [3, 3, 3, 2]],
    ];
    test.each(cases)(
      'infinite factors meet nothing beyond the edge: %s',
      (name, conv, x, filter) => {
        const allowed = { rtol: 1e-4, atol: 1e-4 };
        for (const value of [Infinity, NaN]) {
          const weights = filled(value, ...filter);
          const image = filled(value, ...x);
          compareBackends(name, [normals(rng, ...x), weights], conv, allowed);
          compareBackends(name, [image, normals(rng, ...filter)], conv, allowed);
          const ofInput: Conv = (a, b) => tf.grads(conv)([a, b])[0]!;
          const label = `the gradient of the input, ${name}`;
          compareBackends(label, [normals(rng, ...x), weights], ofInput, allowed);
        }
      },
    );

    test('an infinite gradient stays where it is seen', () => {
      for (const [, conv, x, filter] of cases) {
        const shape = tf.tidy(() => conv(tf.zeros(x), tf.zeros(filter)).shape);
        const inputs = [normals(rng, ...x), normals(rng, ...filter), filled(Infinity, ...shape)];
        const body = (a: tf.Tensor, b: tf.Tensor, dOut: tf.Tensor): tf.Tensor[] =>
          tf.grads(conv)([a, b], dOut);
        compareBackends(`[${x}]`, inputs, body, { rtol: 1e-4, atol: 1e-3 });
      }
    });
  });
