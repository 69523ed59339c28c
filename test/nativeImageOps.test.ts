// Projections, dilation, the choice of boxes, complex magnitudes and convolution with channels first, against the kernels they replace.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason, setThreads } from '../lib/backends/native/index.ts';
import { compareBackends, isas, nativeBytes, normals, type Arrays } from './support/native.ts';
import { close, gradientOf, odd, rng, type Shape4 } from './support/spatial.ts';

const exact = { rtol: 0 };
const list = (...values: number[]): Arrays[number] => ({
  shape: [1, values.length],
  values: Float32Array.from(values),
});
const uniform = (low: number, high: number, ...shape: number[]): Arrays[number] => {
  const drawn = normals(rng, ...shape);
  for (let i = 0; i < drawn.values.length; i += 1)
    drawn.values[i] = low + (high - low) * rng.uniform();
  return drawn;
};

if (isas.length === 0) test.skip(`native: ${nativeUnavailableReason()}`, () => undefined);
else describe(`native image ops for ${isas.join(', ')}`, opTests);

function opTests(): void {
  const maps = [
    list(1, 0, 0, 0, 1, 0, 0, 0),
    list(1, 0, 0.5, 0, 1, -0.5, 0, 0), // halves between pixels
    list(0.9, 0.3, -4, -0.2, 1.1, 3.25, 0, 0),
    list(-2.3, 0.4, 9, 0.1, -3.7, 30, 0.01, -0.02),
    list(1, 0, 0, 0, 1, 0, -0.25, 0), // infinite where x is 4
    list(NaN, 0, 0, 0, 1, 0, 0, 0),
    list(1, 0, Infinity, 0, 1, 0, 0, 0),
    list(1e30, 0, 0, 0, -1e30, 0, 0, 0),
  ];
  const shapes: Shape4[] = [
    [1, 7, 5, 3],
    [1, 1, 6, 1],
    [1, 4, 1, 4],
    [1, 6, 9, 5],
  ];

  describe.each(['nearest', 'bilinear'] as const)('transform by %s', (interpolation) => {
    test.each(['constant', 'reflect', 'wrap', 'nearest'] as const)('beyond: %s', (fillMode) => {
      for (const [i, shape] of shapes.entries())
        for (const [j, map] of maps.entries()) {
          const size: [number, number] | undefined = j % 2 === i % 2 ? undefined : [11, 3 + j];
          compareBackends(
            `${shape.join()} by map ${j}`,
            [j % 3 === 0 ? odd(...shape) : normals(rng, ...shape), map],
            (x, m) =>
              tf.image.transform(
                ...([x as tf.Tensor4D, m as tf.Tensor2D, interpolation, fillMode] as const),
                ...([i - 1.3, size] as const),
              ),
            exact,
          );
        }
    });
  });

  test('transform of a batch is that of each image, on any number of threads', () => {
    const inputs = [normals(rng, 3, 60, 80, 3), uniform(-0.1, 1, 3, 8), list(1, 0, 0, 0, 1, 0)];
    inputs[1]!.values.forEach((_, i, all) => {
      if (i % 8 > 5) (all as Float32Array)[i]! /= 1000;
    });
    const run = (x: tf.Tensor, m: tf.Tensor): tf.Tensor =>
      tf.image.transform(x as tf.Tensor4D, m as tf.Tensor2D, 'bilinear', 'reflect');
    const one = (x: tf.Tensor, m: tf.Tensor): tf.Tensor =>
      tf.concat(tf.split(x, 3).map((image, i) => run(image, tf.slice(m, [i, 0], [1, 8]))));
    const shared = (x: tf.Tensor, m: tf.Tensor): tf.Tensor => run(x, tf.slice(m, 0, 1));
    const apart = (x: tf.Tensor, m: tf.Tensor): tf.Tensor =>
      tf.concat(tf.split(x, 3).map((image) => run(image, tf.slice(m, 0, 1))));
    const bytes = [1, 3].map((threads) => {
      setThreads(threads);
      return nativeBytes(inputs, (x, m) => [run(x, m!), shared(x, m!)]);
    });
    setThreads(2);
    expect(bytes[0]!.equals(bytes[1]!)).toBe(true);
    expect(bytes[0]!.equals(nativeBytes(inputs, (x, m) => [one(x, m!), apart(x, m!)]))).toBe(true);
    compareBackends('each image', inputs, (x, m) => one(x, m!), exact);
  });

  const dilations: [x: Shape4, filter: [number, number], stride: number, pad: Pad, rate: number][] =
    [
      [[2, 7, 9, 3], [3, 2], 1, 'same', 1],
      [[1, 8, 6, 17], [2, 3], 2, 'valid', 1],
      [[3, 5, 5, 1], [3, 3], 2, 'same', 1],
      [[1, 9, 8, 5], [2, 3], 1, 'same', 2],
      [[1, 2, 3, 2], [3, 3], 1, 'same', 3],
      [[1, 6, 5, 4], [3, 3], 1, 2, 1],
      [[1, 6, 5, 4], [1, 1], 1, 0, 1],
      [[1, 50, 20, 9], [3, 3], 1, 'same', 1], // of several tasks
      [[0, 6, 5, 4], [3, 3], 1, 'same', 1],
    ]; // prettier-ignore
  type Pad = 'same' | 'valid' | number;

  test.each(dilations)('dilation of [%p] by %p, stride %p, pad %p, rate %p', (...all) => {
    const [x, filter, stride, pad, rate] = all;
    const run = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
      tf.dilation2d(
        ...([image as tf.Tensor4D, weights as tf.Tensor3D, stride, pad as 'same', rate] as const),
      );
    const dy = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor => {
      const { shape } = run(image, weights);
      return tf.cos(tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape));
    };
    const small = (...shape: number[]): Arrays[number] => {
      const values = normals(rng, ...shape);
      values.values.forEach((v, i) => ((values.values as Float32Array)[i] = Math.round(v)));
      return values;
    };
    // The first input has equal sums, the second NaN and infinities.
    for (const inputs of [
      [small(...x), small(...filter, x[3])],
      [odd(...x), normals(rng, ...filter, x[3])],
    ].slice(0, x[1] > 9 ? 1 : 2)) {
      compareBackends('forward', inputs, run, exact);
      if (x[0] === 0) continue;
      const ofImage = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
        gradientOf((at) => run(at, weights))(image, dy(image, weights));
      const ofFilter = (image: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
        gradientOf((at) => run(image, at))(weights, dy(image, weights));
      compareBackends('gradients', inputs, (a, b) => [ofImage(a, b), ofFilter(a, b)], {
        rtol: 1e-5,
        atol: 2e-4,
      });
    }
    const whole = (...shape: number[]): Arrays[number] => ({
      shape,
      values: Int32Array.from(normals(rng, ...shape).values, (v) => v * 2 ** 30),
      dtype: 'int32',
    });
    compareBackends('int32', [whole(...x), whole(...filter, x[3])], run, exact);
  });

  test('dilation by a window beside the image is left to the inherited kernel', () => {
    const inputs = [normals(rng, 1, 4, 4, 2), normals(rng, 2, 2, 2)];
    compareBackends('far padding', inputs, (x, f) =>
      tf.dilation2d(x as tf.Tensor4D, f as tf.Tensor3D, 1, 3 as never),
    );
  });

  // Corners in any order, some boxes without an area, some scores equal.
  const boxes = (n: number, span: number): Arrays => {
    const corners = uniform(0, 1, n, 4);
    for (let i = 0; i < 4 * n; i += 4)
      for (const side of [i, i + 1])
        corners.values[side + 2] = corners.values[side]! + span * (rng.uniform() - 0.3);
    for (let i = 0; i + 8 <= 4 * n; i += 44)
      corners.values.copyWithin(i + 4, i, i + (i % 3 === 0 ? 4 : 2));
    const scores = uniform(0, 1, n);
    scores.values.forEach((v, i) => {
      if (i % 2 === 0) (scores.values as Float32Array)[i] = Math.round(16 * v) / 16;
    });
    return [corners, scores];
  };

  test.each([
    [1, 2, 5],
    [60, 0.5, 20],
    [200, 2, 200],
    [400, 0.2, 150],
  ])('suppression among %p boxes of size %p, at most %p', (n, span, most) => {
    const inputs = boxes(n, span);
    for (const overlap of n < 100 ? [0, 0.1, 0.5, 1] : [0.5])
      for (const least of [-Infinity, 0.25]) {
        const limits = [most, overlap, least] as const;
        compareBackends(`${limits.join()}`, inputs, (b, s) => {
          const of = [b as tf.Tensor2D, s as tf.Tensor1D] as const;
          const padded = [true, false].flatMap((pad) =>
            Object.values(tf.image.nonMaxSuppressionPadded(...of, ...limits, pad)),
          );
          return [tf.image.nonMaxSuppression(...of, ...limits), ...padded];
        }); // prettier-ignore
        for (const sigma of n < 100 ? [0, 0.01, 0.5, 1] : [0.5])
          compareBackends(`${limits.join()}, ${sigma}`, inputs, (b, s) =>
            Object.values(
              tf.image.nonMaxSuppressionWithScore(
                ...([b as tf.Tensor2D, s as tf.Tensor1D, ...limits, sigma] as const),
              ),
            ),
          );
      }
  });

  test('suppression of no boxes, of odd scores and of corners that are not finite', () => {
    const run = (b: tf.Tensor, s: tf.Tensor): tf.Tensor[] => [
      tf.image.nonMaxSuppression(b as tf.Tensor2D, s as tf.Tensor1D, 50),
      ...Object.values(
        tf.image.nonMaxSuppressionWithScore(b as tf.Tensor2D, s as tf.Tensor1D, 50, 0.5, 0, 0.5),
      ),
    ];
    compareBackends('none', [normals(rng, 0, 4), normals(rng, 0)], run, exact);
    compareBackends('scores', [uniform(0, 1, 40, 4), odd(40)], run, exact);
    compareBackends('corners', [odd(40, 4), uniform(0, 1, 40)], run, exact);
    const far = uniform(-3e38, 3e38, 60, 4);
    compareBackends('large', [far, uniform(0, 1, 60)], run, { rtol: 1e-6 });
    const near = uniform(-1e-42, 1e-42, 60, 4);
    compareBackends('small', [near, uniform(0, 1, 60)], run, { rtol: 1e-6 });
  });

  test('absolute values of complex numbers', () => {
    const special = [NaN, Infinity, -Infinity, 0, -0, 1];
    const every = {
      shape: [36],
      values: Float32Array.from(special.flatMap((v) => Array<number>(6).fill(v))),
    };
    const pairs = [
      [normals(rng, 3, 37), normals(rng, 3, 37)],
      [odd(7, 31), odd(31, 7)],
      [every, { ...every, values: every.values.map((_, i, all) => all[6 * (i % 6)]!) }],
      [uniform(-3e38, 3e38, 100), uniform(-3e38, 3e38, 100)],
      [uniform(-1e-40, 1e-40, 100), uniform(-1e-40, 1e-40, 100)],
      [normals(rng, 0), normals(rng, 0)],
      [normals(rng, 70000), normals(rng, 70000)],
    ] as const;
    for (const [re, im] of pairs)
      compareBackends(
        `of [${re.shape}]`,
        [re, { ...im, shape: re.shape }],
        (a, b) => tf.abs(tf.complex(a, b)),
        { rtol: 1e-6, atol: 2e-45 },
      );
  });

  const explicit: tf.backend_util.ExplicitPadding = [[0, 0], [0, 0], [1, 2], [0, 1]]; // prettier-ignore
  test.each([
    ['same', 1, 1],
    ['valid', 2, 1],
    ['same', 1, 2],
    [explicit, 1, 1],
  ] as const)(
    'convolution with channels first, pad %p, stride %p, dilation %p',
    (pad, stride, rate) => {
      const inputs = [normals(rng, 2, 3, 7, 9), normals(rng, 3, 2, 3, 5)];
      const conv = (x: tf.Tensor, f: tf.Tensor): tf.Tensor =>
        tf.conv2d(
          ...([x as tf.Tensor4D, f as tf.Tensor4D, stride, pad as 'same', 'NCHW', rate] as const),
        );
      compareBackends('forward', inputs, conv, close);
      if (rate === 1)
        compareBackends(
          'gradients',
          inputs,
          (x, f) => {
            const dy = tf.sin(conv(x, f));
            return [gradientOf((at) => conv(at, f))(x, dy), gradientOf((at) => conv(x, at))(f, dy)];
          },
          { terms: 200 },
        );
      const c = normals(rng, 5);
      for (const activation of ['linear', 'relu', 'elu', 'prelu'] as const)
      // tfjs-core takes other shapes of alpha where they fit the result with channels last.
      for (const shape of pad === 'same' ? [[5], [1]] : [[5], [1], [5, 1, 1]])
        compareBackends(`fused, ${activation} [${shape}]`, [...inputs, c], (x, f, bias) =>
          tf.fused.conv2d({
            ...{ x: x as tf.Tensor4D, filter: f as tf.Tensor4D, strides: stride, activation },
            ...{ pad: pad as 'same', dataFormat: 'NCHW', dilations: rate },
            ...(shape.length === 1 && { bias: tf.slice(bias!, 0, shape[0]!) }),
            ...(activation === 'prelu' && {
              preluActivationWeights: tf.reshape(tf.slice(tf.neg(bias!), 0, shape[0]!), shape),
            }),
          }), close); // prettier-ignore
      compareBackends('no image', [normals(rng, 0, 3, 7, 9), inputs[1]!], conv);
    },
  );
}
