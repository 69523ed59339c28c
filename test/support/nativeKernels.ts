// Compares every native kernel with the kernel that it replaces, on odd shapes, for every instruction set. Fast tests distribute
// the shapes among the kernels, and slow tests run each kernel on all of them.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason, setThreads } from '../../lib/backends/native/index.ts';
import { Rng } from '../../lib/core/rng.ts';
import { scaledDotProductAttention } from '../../lib/ops/attention.ts';
import { gelu } from '../../lib/ops/gelu.ts';
import { grads } from '../../lib/ops/gradients.ts';
import { layerNorm } from '../../lib/ops/layerNorm.ts';
import { linear } from '../../lib/ops/linear.ts';
import { qkvAttention } from '../../lib/ops/qkvAttention.ts';
import { compareBackends, isas, nativeBytes, normals } from './native.ts';

/** Declares the tests. */
export function nativeKernelTests(every: boolean): void {
  if (isas.length === 0) {
    test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
  } else {
    describe(`native kernels for ${isas.join(', ')}`, () => kernelTests(every));
    describe('threads', threadTests);
  }
}

// Elementwise kernels are compared element by element: 4 units in the last place, plus the error of erf near 0.
const alone = { rtol: 5e-7, atol: 3e-7 };

const transposes = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;
const specials = [
  0,
  -0,
  1,
  -1,
  0.3,
  -7.5,
  88,
  100,
  -100,
  1e-40,
  3e38,
  -3e38,
  NaN,
  Infinity,
  -Infinity,
];

function kernelTests(every: boolean): void {
  const rng = new Rng(11);
  // Whether kernel i gets shape j, or one in `share` of them.
  const gets = (i: number, j: number, share: number): boolean => every || (i + j) % share === 0;

  test('matMul: transposes, odd sizes, batches', () => {
    const sizes = [
      [1, 1, 1],
      [17, 50, 33],
      [5, 257, 100],
      [65, 16, 31],
      [29, 600, 70],
      [130, 64, 192],
      [2, 3, 4100],
      [3, 33000, 2],
    ] as const;
    for (const [i, [m, k, n]] of sizes.entries())
      for (const [j, [ta, tb]] of transposes.entries()) {
        if (!gets(i, j, 2)) continue;
        const a = normals(rng, ...(ta ? [k, m] : [m, k]));
        const b = normals(rng, ...(tb ? [n, k] : [k, n]));
        const product = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ta, tb);
        compareBackends(`${m}×${k}×${n} ${ta} ${tb}`, [a, b], product, { terms: k });
      }
    const batches = [
      [[3], [3]],
      [[9], [9]],
      [[4], [1]],
      [[1], [5]],
      [
        [2, 3],
        [2, 3],
      ],
      [
        [2, 1],
        [2, 1],
      ],
    ] as const;
    for (const [left, right] of batches)
      for (const ta of [false, true]) {
        const a = normals(rng, ...left, ...(ta ? [8, 17] : [17, 8]));
        const b = normals(rng, ...right, 8, 19);
        const product = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ta);
        compareBackends(`[${left}] by [${right}] ${ta}`, [a, b], product, { terms: 8 });
      }
  });

  test('matMul repeats a stack along any axis', () => {
    const product = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.matMul(x, y);
    const written = (x: tf.Tensor, y: tf.Tensor): tf.Tensor =>
      tf.matMul(tf.tile(x, [1, 3, 1, 1]), tf.tile(y, [2, 1, 1, 1]));
    const inputs = [normals(rng, 2, 1, 5, 4), normals(rng, 1, 3, 4, 6)];
    expect(nativeBytes(inputs, product)).toEqual(nativeBytes(inputs, written));
  });

  test('matMul of nothing, and of no products', () => {
    compareBackends('m = 0', [normals(rng, 0, 3), normals(rng, 3, 4)], (a, b) => tf.matMul(a, b));
    compareBackends('k = 0', [normals(rng, 5, 0), normals(rng, 0, 4)], (a, b) => tf.matMul(a, b));
  });

  test('fused matMul', () => {
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const)
      compareBackends(
        activation,
        [normals(rng, 5, 9), normals(rng, 9, 7), normals(rng, 7)],
        (a, b, bias) =>
          tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation }),
        { terms: 9 },
      );
  });

  test('elementwise with two inputs: broadcasting and special numbers', () => {
    const ops = [
      tf.add, tf.sub, tf.mul, tf.div, tf.maximum, tf.minimum, tf.squaredDifference, tf.greater,
      tf.greaterEqual, tf.less, tf.lessEqual, tf.equal, tf.notEqual,
    ]; // prettier-ignore
    const shapes = [
      [[33], [33]],
      [[5, 17], []],
      [[], [40]],
      [[3, 5, 17], [17]],
      [
        [5, 1],
        [1, 9],
      ],
      [
        [3, 1, 7],
        [2, 1],
      ],
      [
        [2, 3, 4, 5],
        [3, 1, 5],
      ],
      [
        [130, 130],
        [130, 1],
      ],
      [
        [0, 3],
        [1, 3],
      ],
    ] as const;
    for (const [i, op] of ops.entries())
      for (const [, [left, right]] of [...shapes.entries()].filter(([j]) => gets(i, j, 3)))
        compareBackends(
          `${op.name} [${left}] [${right}]`,
          [normals(rng, ...left), normals(rng, ...right)],
          (a, b) => (op as (x: tf.Tensor, y: tf.Tensor) => tf.Tensor)(a, b),
          alone,
        );
    const n = specials.length;
    const a = { shape: [n, 1], values: Float32Array.from(specials) };
    const b = { shape: [1, n], values: Float32Array.from(specials) };
    for (const op of ops)
      compareBackends(
        `${op.name} of specials`,
        [a, b],
        (x, y) => (op as (x: tf.Tensor, y: tf.Tensor) => tf.Tensor)(x, y),
        alone,
      );
  });

  test('elementwise with one input', () => {
    const ops = [
      tf.neg, tf.abs, tf.square, tf.sqrt, tf.rsqrt, tf.reciprocal, tf.exp, tf.log, tf.erf, tf.tanh,
      tf.sigmoid, tf.relu, tf.step,
    ]; // prettier-ignore
    const many = normals(rng, 3, 37);
    const wide = {
      shape: [1001],
      values: Float32Array.from({ length: 1001 }, (_, i) => i / 5 - 100),
    };
    const odd = { shape: [specials.length], values: Float32Array.from(specials) };
    for (const op of ops) {
      const unary = op as (x: tf.Tensor) => tf.Tensor;
      for (const input of [many, wide, odd]) compareBackends(op.name, [input], unary, alone);
    }
    compareBackends('clip', [many], (x) => tf.clipByValue(x, -0.5, 0.25));
    compareBackends('clip of specials', [odd], (x) => tf.clipByValue(x, -2, 2), alone);
    compareBackends('where', [many, normals(rng, 3, 37)], (a, b) =>
      tf.where(tf.greater(a, b), a, b),
    );
    const whole = { shape: [5], values: Int32Array.of(1, 0, -3, 7, 2), dtype: 'int32' as const };
    compareBackends('cast', [whole], (x) => [
      tf.cast(x, 'float32'),
      tf.cast(tf.cast(x, 'bool'), 'float32'),
    ]);
  });

  test('reductions over any axes', () => {
    const ops = [tf.sum, tf.mean, tf.max, tf.min];
    const cases = [
      [[7], [0]],
      [[3, 50, 17], [2]],
      [[3, 50, 17], [0]],
      [[3, 50, 17], [1]],
      [
        [3, 50, 17],
        [0, 1],
      ],
      [
        [3, 50, 17],
        [1, 2],
      ],
      [
        [3, 5, 17],
        [0, 2],
      ],
      [
        [2, 3, 4, 5],
        [1, 3],
      ],
      [
        [1, 4, 1],
        [0, 2],
      ],
      [[70000], [0]],
      [[9000, 3], [0]],
      [[2, 5000, 2], [1]],
      [[4, 3], []],
    ] as const;
    for (const [i, op] of ops.entries())
      for (const [j, [shape, axes]] of cases.entries())
        for (const keepDims of [false, true]) {
          if (!gets(i + Number(keepDims), j, 2)) continue;
          compareBackends(
            `${op.name} [${shape}] over [${axes}]`,
            [normals(rng, ...shape)],
            (x) => op(x, [...axes], keepDims),
            { terms: 70000, gain: 0.1 },
          );
        }
    for (const place of [0, 20, 36]) {
      const x = normals(rng, 37);
      x.values[place] = NaN;
      compareBackends(`NaN at ${place}`, [x], (v) => ops.map((op) => op(v)), alone);
      compareBackends(`NaN at ${place}, columns`, [{ ...x, shape: [37, 1] }], (v) =>
        ops.map((op) => op(tf.concat([v, v], 1), 0)),
      );
    }
    compareBackends('of nothing', [normals(rng, 0, 3)], (x) => [tf.sum(x, 0), tf.sum(x)]);
  });

  test('softmax, also of large and of infinite logits', () => {
    for (const cols of [1, 10, 17, 50, 197])
      compareBackends(`${cols}`, [normals(rng, 5, cols)], (x) => [
        tf.softmax(x),
        tf.softmax(tf.mul(x, 1e4)),
        tf.logSoftmax(x),
      ]);
    const row = { shape: [2, 4], values: Float32Array.of(1, -Infinity, 2, 0, 1, NaN, 2, 3) };
    compareBackends('specials', [row], (x) => tf.softmax(x));
  });

  test('layout: transpose, slice, split, concat, stack, pad, tile', () => {
    const perms = [
      [1, 0, 2, 3],
      [0, 2, 1, 3],
      [0, 2, 3, 1],
      [3, 2, 1, 0],
      [0, 1, 3, 2],
    ];
    for (const shape of [
      [2, 3, 17, 5],
      [1, 19, 20, 1],
      [3, 1, 2, 40],
    ])
      for (const perm of perms)
        compareBackends(`${perm}`, [normals(rng, ...shape)], (x) => tf.transpose(x, perm));
    compareBackends('2-D', [normals(rng, 100, 37)], (x) => tf.transpose(x));
    compareBackends('slice', [normals(rng, 4, 9, 5)], (x) => [
      tf.slice(x, [1, 2, 0], [2, 5, 5]),
      tf.slice(x, [0, 0, 3], [4, 9, 2]),
      tf.slice(x, [3], [1]),
      tf.slice(x, [0, 0, 0], [0, 9, 5]),
    ]);
    compareBackends('split', [normals(rng, 4, 9, 6)], (x) => [
      ...tf.split(x, 3, 1),
      ...tf.split(x, [1, 2, 3], 2),
      ...tf.unstack(x, 1),
    ]);
    const whole = {
      shape: [2, 3],
      values: Int32Array.of(1, 2, 3, 4, 5, 6),
      dtype: 'int32' as const,
    };
    compareBackends('integers', [whole], (x) => [
      tf.transpose(x),
      tf.concat([x, x], 1),
      tf.tile(x, [2, 1]),
    ]);
    compareBackends('concat', [normals(rng, 2, 3, 5), normals(rng, 2, 1, 5)], (a, b) => [
      tf.concat([a, b, a], 1),
      tf.stack([a, a], 1),
      tf.stack([b, b, b], 3),
    ]);
    compareBackends('pad', [normals(rng, 3, 4)], (x) => [
      tf.pad(x, [[1, 2], [0, 3]], 7),
      tf.pad(x, [[0, 0], [0, 0]]),
    ]); // prettier-ignore
    compareBackends('tile', [normals(rng, 3, 1, 4)], (x) => [
      tf.tile(x, [2, 5, 3]),
      tf.onesLike(x),
    ]);
  });

  test('our kernels where they cut their work: past 64 queries, 256 products, one vector', () => {
    for (const [n, m, d] of [[65, 130, 7], [3, 5, 16], [130, 65, 40], [50, 50, 24], [17, 17, 32]] as const) {
      const [b, h] = every ? [2, 3] : [1, 2];
      const inputs = [normals(rng, b, h, n, d), normals(rng, b, h, m, d), normals(rng, b, h, m, d)];
      compareBackends(`attention ${n} ${m} ${d}`, inputs, (q, k, v) => attentionAndGradients(q, k, v), {
        terms: Math.max(n, m) * d,
      });
    } // prettier-ignore
    compareBackends('qkv', [normals(rng, 2, 70, 3 * 24)], (qkv) =>
      withGradients((x) => qkvAttention(x as tf.Tensor3D, { numHeads: 3, scale: 0.3 }), qkv), {
      terms: 600,
    }); // prettier-ignore
    for (const [rows, cols] of [[1, 3], [130, 17], [7, 300]] as const) {
      const inputs = [normals(rng, rows, cols), normals(rng, cols), normals(rng, cols)];
      compareBackends(`layerNorm ${rows}×${cols}`, inputs, (...all) =>
        withGradients((x, g, b) => layerNorm(x!, g as tf.Tensor1D, b as tf.Tensor1D), ...all), {
        terms: rows * cols, gain: 4,
      });
    } // prettier-ignore
    const [rows, cols] = every ? [33, 65] : [9, 35];
    for (const form of ['erf', 'tanh', 'quick'] as const)
      compareBackends(form, [normals(rng, rows, 300), normals(rng, cols, 300), normals(rng, cols)], (...all) =>
        withGradients(
          (x, w, b) => gelu(linear(x!, w as tf.Tensor2D, b as tf.Tensor1D), { form }),
          ...all,
        ), { terms: 300 * 8 }); // prettier-ignore
  });
}

function threadTests(): void {
  const rng = new Rng(12);
  afterAll(() => setThreads(2));

  test('1, 2 and 3 threads give the same bytes', () => {
    const matrices = [normals(rng, 333, 310), normals(rng, 310, 200)];
    const tall = [normals(rng, 3000, 40)];
    const heads = [
      normals(rng, 4, 5, 70, 16),
      normals(rng, 4, 5, 70, 16),
      normals(rng, 4, 5, 70, 16),
    ];
    const rows = [normals(rng, 900, 48), normals(rng, 48), normals(rng, 48)];
    const bytes = [1, 2, 3].map((count) => {
      setThreads(count);
      return Buffer.concat([
        nativeBytes(matrices, (a, b) => [tf.matMul(a, b), tf.matMul(tf.transpose(a), a)]),
        nativeBytes(tall, (x) => [tf.sum(x), tf.sum(x, 0), tf.mean(x, 1), tf.softmax(x)]),
        nativeBytes(heads, attentionAndGradients),
        nativeBytes(rows, (...all) =>
          withGradients((x, g, b) => layerNorm(x!, g as tf.Tensor1D, b as tf.Tensor1D), ...all),
        ),
      ]);
    });
    expect(bytes.map((other) => other.equals(bytes[0]!))).toEqual([true, true, true]);
  });
}

function attentionAndGradients(...inputs: tf.Tensor[]): tf.Tensor[] {
  return withGradients(
    (q, k, v) =>
      scaledDotProductAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D).out,
    ...inputs,
  );
}

// The result and the gradients of Σ out·σ(out), so that dOut differs from element to element.
function withGradients(op: (...x: tf.Tensor[]) => tf.Tensor, ...inputs: tf.Tensor[]): tf.Tensor[] {
  const scalar = (...x: tf.Tensor[]): tf.Tensor => {
    const y = op(...x);
    return tf.sum(tf.mul(y, tf.sigmoid(y)));
  };
  return [op(...inputs), ...grads(scalar)(inputs)];
}
