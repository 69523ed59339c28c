// Pooling, resizing, cropping and normalizing on the native backend against the CPU backend: odd shapes, every attribute, special
// numbers, ties, empty tensors, and shapes that are split into several tasks.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeBinding, nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { assertEachClose, compareBackends, isas, normals, runOn } from './support/native.ts';
import { close, gradientOf, odd, rng, type Pad, type Shape4 } from './support/spatial.ts';

if (isas.length === 0) {
  test.skip(`pooling and resizing: ${nativeUnavailableReason()}`, () => undefined);
} else {
  describe(`pooling and resizing for ${isas.join(', ')}`, () => {
    poolTests();
    resizeTests();
    windowTests();
  });
}

function poolTests(): void {
  const cases: readonly [Shape4, number | [number, number], number | [number, number], Pad][] = [
    [[2, 7, 9, 5], 3, 2, 'same'],
    [[1, 8, 6, 70], [2, 3], [2, 1], 'valid'],
    [[2, 6, 5, 1], 2, 3, 1],
    [[1, 5, 7, 33], [3, 2], 2, [[0, 0], [1, 2], [0, 1], [0, 0]]],
    [[0, 5, 7, 3], 2, 2, 'same'],
    [[1, 5, 7, 0], 2, 2, 'same'],
    [[1, 6, 6, 3], 1, 1, 'same'],
  ]; // prettier-ignore
  test('pools of images and their gradients', () => {
    for (const [shape, size, strides, pad] of cases) {
      const name = `[${shape}] ${String(size)} ${String(strides)} ${String(pad)}`;
      for (const x of [normals(rng, ...shape), odd(...shape)]) {
        const maxPool = (t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, size, strides, pad);
        const avgPool = (t: tf.Tensor) => tf.avgPool(t as tf.Tensor4D, size, strides, pad);
        compareBackends(`maxPool ${name}`, [x], maxPool, { rtol: 0 });
        compareBackends(`avgPool ${name}`, [x], avgPool, close);
        const out = tf.tidy(() => maxPool(tf.zeros(shape)).shape);
        const dy = normals(rng, ...out);
        compareBackends(`maxPoolGrad ${name}`, [x, dy], gradientOf(maxPool), close);
        if (typeof pad !== 'object')
          compareBackends(`avgPoolGrad ${name}`, [x, dy], gradientOf(avgPool), close);
      }
    }
  });

  test('each window has its part in a gradient, also where their number was rounded up', () => {
    // A row of zeros behind says the same as rounding up; the CPU backend forgets the last windows.
    const behind = [[0, 0], [0, 1], [0, 0], [0, 0]] as [number, number][]; // prettier-ignore
    const x = { ...normals(rng, 1, 5, 6, 3), values: new Float32Array(90).map((_, i) => 1 + i) };
    for (const name of ['maxPool', 'avgPool'] as const) {
      const rounded = (t: tf.Tensor) => tf[name](t as tf.Tensor4D, 2, 2, 0, 'ceil');
      const padded = (t: tf.Tensor) => tf[name](tf.pad(t, behind) as tf.Tensor4D, 2, 2, 0);
      const dy = normals(rng, 1, 3, 3, 3);
      const [got, wanted] = [rounded, padded].map((pool) =>
        runOn('native', [x, dy], (t, d) => tf.grad(pool)(t!, d!)),
      );
      assertEachClose(name, got![0]!.values, wanted![0]!.values, 1e-6, 0);
    }
  });

  test('a window beside the image', () => {
    const pad: Pad = [[0, 0], [3, 3], [0, 0], [0, 0]]; // prettier-ignore
    const x = normals(rng, 1, 2, 5, 3);
    compareBackends('maxPool', [x], (t) => tf.maxPool(t as tf.Tensor4D, [2, 2], 1, pad));
    compareBackends('avgPool', [x], (t) => tf.avgPool(t as tf.Tensor4D, [2, 2], 1, pad), close);
  });

  test('positions of maxima', () => {
    for (const includeBatch of [false, true])
      for (const x of [normals(rng, 2, 7, 5, 19), odd(2, 7, 5, 3)])
        compareBackends(`${includeBatch}`, [x], (t) => {
          const { result, indexes } = tf.maxPoolWithArgmax(
            ...([t as tf.Tensor4D, 2, 2, 'same', includeBatch] as const),
          ) as unknown as { result: tf.Tensor; indexes: tf.Tensor };
          return [result, indexes];
        });
  });

  test('equal maxima: the first of an image, the last of a volume', () => {
    const ties = (...shape: number[]) => {
      const x = normals(rng, ...shape);
      return { ...x, values: x.values.map((value) => Math.round(value)) };
    };
    const flat = gradientOf((t) => tf.maxPool(t as tf.Tensor4D, 3, 1, 'same'));
    compareBackends('image', [ties(1, 6, 5, 4), normals(rng, 1, 6, 5, 4)], flat, close);
    const deep = gradientOf((t) => tf.maxPool3d(t as tf.Tensor5D, 2, 2, 'same'));
    compareBackends('volume', [ties(1, 4, 6, 6, 4), normals(rng, 1, 2, 3, 3, 4)], deep, close);
  });

  test('pools of volumes and their gradients', () => {
    const cases3: readonly [number[], number | [number, number, number], number, 'same' | 'valid'][] =
      [
        [[2, 5, 6, 7, 3], 2, 2, 'same'],
        [[1, 4, 5, 5, 18], [3, 2, 2], 1, 'valid'],
        [[1, 3, 3, 3, 0], 2, 1, 'same'],
      ]; // prettier-ignore
    for (const [shape, size, strides, pad] of cases3) {
      const maxPool = (t: tf.Tensor) => tf.maxPool3d(t as tf.Tensor5D, size, strides, pad);
      const avgPool = (t: tf.Tensor) => tf.avgPool3d(t as tf.Tensor5D, size, strides, pad);
      const x = normals(rng, ...shape);
      const dy = normals(rng, ...tf.tidy(() => maxPool(tf.zeros(shape)).shape));
      compareBackends(`maxPool3d [${shape}]`, [x], maxPool, { rtol: 0 });
      compareBackends(`avgPool3d [${shape}]`, [odd(...shape)], avgPool, close);
      compareBackends(`maxPool3dGrad [${shape}]`, [x, dy], gradientOf(maxPool), close);
      compareBackends(`avgPool3dGrad [${shape}]`, [x, dy], gradientOf(avgPool), close);
    }
  });
}

function resizeTests(): void {
  const sizes: readonly [Shape4, [number, number]][] = [
    [[2, 5, 7, 3], [10, 9]],
    [[1, 9, 6, 1], [4, 5]],
    [[2, 4, 4, 18], [8, 8]],
    [[1, 3, 3, 4], [1, 1]],
    [[1, 1, 1, 2], [3, 4]],
    [[0, 4, 4, 3], [2, 2]],
    [[1, 60, 60, 3], [130, 120]],
  ]; // prettier-ignore
  const ways = [
    [false, false],
    [true, false],
    [false, true],
  ] as const;
  test('resizing and its gradients', () => {
    for (const [shape, size] of sizes)
      for (const [align, half] of ways) {
        const name = `[${shape}] to [${size}] ${align} ${half}`;
        for (const [kind, resize] of [
          ['bilinear', tf.image.resizeBilinear],
          ['nearest', tf.image.resizeNearestNeighbor],
        ] as const) {
          const body = (x: tf.Tensor) => resize(x as tf.Tensor4D, size, align, half);
          compareBackends(`${kind} ${name}`, [normals(rng, ...shape)], body, close);
          compareBackends(`${kind} ${name}, specials`, [odd(...shape)], body, {
            rtol: 1e-5,
            atol: 1e-5,
          });
        }
      }
    const whole = {
      shape: [1, 3, 4, 2],
      values: Int32Array.from({ length: 24 }, (_, i) => i * 7 - 50),
      dtype: 'int32' as const,
    };
    compareBackends('integers', [whole], (x) => [
      tf.image.resizeBilinear(x as tf.Tensor4D, [5, 5]),
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [5, 5]),
    ]);
  });

  // The inherited gradients are those of square images, and of one of them.
  test('gradients of resizing', () => {
    for (const [from, to] of [
      [4, 9],
      [9, 4],
      [5, 5],
      [60, 120],
    ] as const)
      for (const align of [false, true]) {
        const dy = normals(rng, 1, to, to, 3);
        const x = normals(rng, 1, from, from, 3);
        compareBackends(`${from} to ${to} ${align}`, [x, dy], (image, g) => [
          gradientOf((t) => tf.image.resizeBilinear(t as tf.Tensor4D, [to, to], align))(image, g),
          gradientOf((t) => tf.image.resizeNearestNeighbor(t as tf.Tensor4D, [to, to], align))(
            image,
            g,
          ),
        ]);
      }
  });

  test('gradients of resizing many images that are not square', () => {
    const [x, dy] = [normals(rng, 2, 4, 6, 3), normals(rng, 2, 7, 5, 3)];
    for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
      const gradient = gradientOf((t) => resize(t as tf.Tensor4D, [7, 5]));
      // <resize(e), dy> = <e, gradient> for every direction e.
      void tf.setBackend('native');
      const [left, right] = tf.tidy(() => {
        const [a, g] = [tf.tensor(x.values, x.shape), tf.tensor(dy.values, dy.shape)];
        const direction = tf.tensor(normals(rng, ...x.shape).values, x.shape);
        return [
          tf.sum(tf.mul(resize(direction as tf.Tensor4D, [7, 5]), g)).dataSync()[0]!,
          tf.sum(tf.mul(direction, gradient(a, g))).dataSync()[0]!,
        ];
      });
      expect(Math.abs(left - right)).toBeLessThan(1e-4);
    }
  });

  test('crops', () => {
    const boxes = {
      shape: [5, 4],
      values: Float32Array.of(
        ...[0, 0, 1, 1, 0.1, 0.2, 0.7, 0.9, 0.8, 0.9, 0.1, 0.2],
        ...[-0.3, 0.2, 1.4, 0.5, 0.5, -0.5, 0.6, 1.5],
      ),
    };
    const of = { shape: [5], values: Int32Array.of(0, 1, 1, 0, 1), dtype: 'int32' as const };
    for (const size of [
      [4, 5],
      [1, 1],
      [30, 40],
    ] as [number, number][])
      for (const method of ['bilinear', 'nearest'] as const)
        for (const channels of [1, 3, 6])
          compareBackends(
            `${method} [${size}] ${channels}`,
            [normals(rng, 2, 9, 11, channels), boxes, of],
            (image, b, i) =>
              tf.image.cropAndResize(
                ...([image as tf.Tensor4D, b as tf.Tensor2D, i as tf.Tensor1D] as const),
                ...([size, method, 0.5] as const),
              ),
            close,
          );
  });

  test('rotation', () => {
    for (const channels of [1, 3, 4])
      for (const radians of [0, 0.3, Math.PI / 2, -2])
        for (const [fill, center] of [
          [0.5, 0.5],
          [[1, 2, 3] as [number, number, number], [0.2, 0.7] as [number, number]],
        ] as const)
          compareBackends(
            `${channels} by ${radians}`,
            [odd(2, 9, 12, channels)],
            (x) => tf.image.rotateWithOffset(x as tf.Tensor4D, radians, fill, center),
            { rtol: 0 },
          );
    compareBackends('a large image', [normals(rng, 2, 120, 90, 3)], (x) =>
      tf.image.rotateWithOffset(x as tf.Tensor4D, 0.7),
    );
  });

  test('mirror images and normalized ones', () => {
    compareBackends('mirror', [odd(2, 5, 7, 3)], (x) => tf.image.flipLeftRight(x as tf.Tensor4D), {
      rtol: 0,
    });
    const each = (channels: number) => [
      normals(rng, channels),
      {
        ...normals(rng, channels),
        values: Float32Array.from({ length: channels }, (_, i) => i + 0.5),
      },
      normals(rng, channels),
      normals(rng, channels),
    ];
    for (const shape of [
      [2, 5, 7, 3],
      [3, 30, 20, 18],
    ])
      // prettier-ignore
      for (const full of [false, true])
        compareBackends(
          `batchNorm [${shape}] ${full}`,
          [normals(rng, ...shape), ...each(shape.at(-1)!)],
          (x, mean, variance, offset, scale) =>
            tf.batchNorm(
              ...([x as tf.Tensor4D, mean as tf.Tensor1D, variance as tf.Tensor1D] as const),
              ...(full ? ([offset as tf.Tensor1D, scale as tf.Tensor1D] as const) : []),
            ),
          close,
        );
  });
}

function windowTests(): void {
  test('a wrong window is a TypeError', () => {
    const window = [1, 2, ...[1, 1, 1, 1, 1, 0], ...[3, 3, 1, 1, 1, 0], ...[4, 4, 1, 1, 1, 0]];
    const call = (wrong: number[]): void =>
      nativeBinding().pool(wrong, 0, new Float32Array(24), new Float32Array(24));
    expect(() => call(window)).not.toThrow();
    for (let i = 0; i < window.length; i += 1)
      for (const value of [NaN, 0.5, -(2 ** 32), 2 ** 31, 2 ** 60, Infinity])
        expect(() => call(window.with(i, value))).toThrow('Expected');
    for (const i of [4, 5, 6]) expect(() => call(window.with(i, 0))).toThrow('Expected');
    // A pad alone changes what is seen, never where.
    for (const pad of [-5, 5, 2 ** 31 - 1])
      for (const i of [7, 13, 19]) expect(() => call(window.with(i, pad))).not.toThrow();
  });
}
