// Elementwise kernels, casts and logical ops of the native backend against those of the CPU backend, for every instruction set.

import * as tf from '@tensorflow/tfjs';
import {
  nativeBinding,
  nativeUnavailableReason,
  setThreads,
} from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { compareBackends, isas, nativeBytes, normals, type Arrays } from './support/native.ts';

type Input = Arrays[number];
type Op = (...x: tf.Tensor[]) => tf.Tensor;

// 4 units in the last place of each element.
const alone = { rtol: 5e-7, atol: 1e-44 };
const exact = { rtol: 0, atol: 0 };
// The CPU backend takes 1 from e^x in float64, which loses the bits of small x.
const nearZero = { rtol: 5e-7, atol: 4e-16 };
const losesSmall = new Set(['elu', 'selu']);

const specials = [
  ...[0, -0, 0.5, -0.5, 1, -1, 1.5, -2.5, 2, -3, 7.25, 0.1, -7.5, 20, -20, 88.5, -88.5, 104, 1e-40],
  ...[-1e-20, 1e-7, 5e4, -2e5, 3e9, -3e9, 1e15, 3e38, -3e38, NaN, Infinity, -Infinity],
];
const wholes = [0, 1, -1, 2, -3, 7, -20, 46341, 65536, -99999, 2147483647, -2147483648];

function floats(values: readonly number[], shape: number[] = [values.length]): Input {
  return { shape, values: Float32Array.from(values) };
}
function ints(values: readonly number[], shape: number[] = [values.length]): Input {
  return { shape, values: Int32Array.from(values), dtype: 'int32' };
}
function bools(rng: Rng, ...shape: number[]): Input {
  const { values } = normals(rng, ...shape);
  return { shape, values: Uint8Array.from(values, (x) => (x > 0 ? 1 : 0)), dtype: 'bool' };
}
function integers(rng: Rng, ...shape: number[]): Input {
  const { values } = normals(rng, ...shape);
  return { shape, values: Int32Array.from(values, (x) => x * 4), dtype: 'int32' };
}

const shapes = [
  [[37], [37]],
  [[5, 17], []],
  [[], [40]],
  [
    [3, 1, 7],
    [2, 1],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 5],
  ],
  [
    [130, 127],
    [130, 1],
  ],
  [
    [0, 3],
    [1, 3],
  ],
] as const;

// Each pair of special values, and every shape.
function compareTwo(
  name: string,
  op: Op,
  make: (...shape: number[]) => Input,
  odd: readonly [Input, Input],
  allowed: typeof alone,
): void {
  for (const [left, right] of shapes)
    compareBackends(`${name} [${left}] [${right}]`, [make(...left), make(...right)], op, allowed);
  compareBackends(`${name} of specials`, odd, op, allowed);
}

if (isas.length === 0)
  test.skip(`elementwise kernels: ${nativeUnavailableReason()}`, () => undefined);
else describe(`elementwise kernels for ${isas.join(', ')}`, elementwiseTests);

function elementwiseTests(): void {
  const rng = new Rng(21);
  const n = specials.length;
  const oddFloats = [floats(specials, [n, 1]), floats(specials, [1, n])] as const;
  const oddInts = [ints(wholes, [wholes.length, 1]), ints(wholes, [1, wholes.length])] as const;

  test('functions of one float32', () => {
    const ops: Record<string, Op> = {
      floor: tf.floor, ceil: tf.ceil, round: tf.round, sign: tf.sign, relu6: tf.relu6,
      leakyRelu: (x) => tf.leakyRelu(x, 0.3), elu: tf.elu, selu: tf.selu, softplus: tf.softplus,
      log: tf.log, log1p: tf.log1p, expm1: tf.expm1, sin: tf.sin, cos: tf.cos, tan: tf.tan,
      asin: tf.asin, acos: tf.acos, atan: tf.atan, sinh: tf.sinh, cosh: tf.cosh, asinh: tf.asinh,
      acosh: tf.acosh, atanh: tf.atanh, isNaN: tf.isNaN, isInf: tf.isInf, isFinite: tf.isFinite,
    }; // prettier-ignore
    const wide = floats(Array.from({ length: 17_001 }, (_, i) => i / 170 - 50.0012));
    const near = floats(Array.from({ length: 3001 }, (_, i) => i / 1400 - 1.0713));
    for (const [name, op] of Object.entries(ops))
      for (const input of [floats(specials), wide, near, floats([], [0, 3])])
        compareBackends(name, [input], op, losesSmall.has(name) ? nearZero : alone);
  });

  test('functions of two float32', () => {
    const ops: Record<string, Op> = {
      mod: tf.mod, floorDiv: tf.floorDiv, atan2: tf.atan2, prelu: tf.prelu, pow: tf.pow,
    }; // prettier-ignore
    for (const [name, op] of Object.entries(ops)) {
      const make = (...shape: number[]): Input => normals(rng, ...shape);
      const allowed = name === 'mod' || name === 'floorDiv' ? exact : alone;
      // Prelu repeats its slope alone.
      if (name === 'prelu')
        for (const [left, right] of [
          [[5, 17], []],
          [
            [4, 9, 33],
            [9, 1],
          ],
        ] as const)
          // prettier-ignore
          compareBackends(name, [make(...left), make(...right)], op, allowed);
      else compareTwo(name, op, make, oddFloats, allowed);
    }
    for (const exponent of [0, 0.5, 1, 2, 3, -1, NaN])
      compareBackends(
        `to the power of ${exponent}`,
        [floats(specials)],
        (x) => tf.pow(x, exponent),
        alone,
      );
    const gradient = (y: tf.Tensor): tf.Tensor => tf.grad((x) => tf.elu(x))(y, tf.sin(y));
    compareBackends('gradient of elu', [normals(rng, 3, 37)], gradient, { rtol: 2e-6, atol: 1e-7 });
  });

  test('sums of several tensors are those in order', () => {
    const parts = [normals(rng, 41, 401), normals(rng, 41, 401), normals(rng, 41, 401)];
    compareBackends('addN', parts, (...all) => [tf.addN(all), tf.addN([all[0]!])], exact);
    compareBackends('addN of specials', [floats(specials)], (x) => tf.addN([x, x]), exact);
    compareBackends('addN of integers', [integers(rng, 30)], (x) => tf.addN([x, x, x]), exact);
    compareBackends('addN of nothing', [floats([], [0, 2])], (x) => tf.addN([x, x]), exact);
  });

  test('int32', () => {
    const two: Record<string, Op> = {
      add: tf.add, sub: tf.sub, mul: tf.mul, maximum: tf.maximum, minimum: tf.minimum, mod: tf.mod,
      squaredDifference: tf.squaredDifference, floorDiv: tf.floorDiv, less: tf.less,
      lessEqual: tf.lessEqual, greater: tf.greater, greaterEqual: tf.greaterEqual, equal: tf.equal,
      notEqual: tf.notEqual, pow: (a, b) => tf.pow(a!, tf.clipByValue(b!, 0, 3)),
    }; // prettier-ignore
    for (const [name, op] of Object.entries(two))
      compareTwo(name, op, (...shape) => integers(rng, ...shape), oddInts, exact);
    const one: Record<string, Op> = {
      neg: tf.neg, sign: tf.sign, relu: tf.relu, step: (x) => tf.step(x),
      clip: (x) => tf.clipByValue(x, -2.5, 7.9), clipWide: (x) => tf.clipByValue(x, -Infinity, 3e9),
    }; // prettier-ignore
    for (const [name, op] of Object.entries(one))
      for (const input of [ints(wholes), integers(rng, 130, 127), ints([])])
        compareBackends(name, [input], op, exact);
    // The CPU backend rounds these to float32.
    for (const op of [tf.abs, tf.square] as Op[])
      compareBackends(op.name, [integers(rng, 130, 127)], op, exact);
    void tf.setBackend('native');
    const x = tf.tensor1d([16777217, -16777217, 65537], 'int32');
    expect([...tf.abs(x).dataSync()]).toEqual([16777217, 16777217, 65537]);
    expect([...tf.square(x).dataSync()].at(-1)).toBe(131073);
  });

  test('bool', () => {
    const ops: Record<string, Op> = {
      and: tf.logicalAnd, or: tf.logicalOr, xor: tf.logicalXor, equal: tf.equal, less: tf.less,
      notEqual: tf.notEqual, greaterEqual: tf.greaterEqual, add: tf.add, maximum: tf.maximum,
    }; // prettier-ignore
    const odd = [bools(rng, 3, 1), bools(rng, 1, 3)] as const;
    for (const [name, op] of Object.entries(ops))
      compareTwo(name, op, (...shape) => bools(rng, ...shape), odd, exact);
    for (const input of [bools(rng, 130, 127), bools(rng, 0)])
      compareBackends('not', [input], tf.logicalNot, exact);
  });

  test('conversions', () => {
    const inputs = [
      floats([...specials, 2147483648, -2147483649, 4294967297, 1e20, 2 ** 84, 0.9, -0.9]),
      ints(wholes),
      normals(rng, 130, 127),
      integers(rng, 130, 127),
      bools(rng, 130, 127),
      ints([], [2, 0]),
    ];
    // The CPU backend leaves integers as they are where float32 would round them.
    const dtypes = ['float32', 'int32', 'bool'] as const;
    for (const input of inputs)
      compareBackends('cast', [input], (x) => dtypes.map((dtype) => tf.cast(x, dtype)), {
        rtol: 6e-8,
      });
  });

  test('where', () => {
    const makers = [normals, integers, bools];
    for (const make of makers)
      for (const [condition, a, b] of [
        [[37], [37], [37]],
        [
          [130, 127],
          [130, 127],
          [130, 127],
        ],
        [[5, 1], [5, 7], [7]],
        [[0], [0], [0]],
      ] as const)
        // prettier-ignore
        compareBackends(
          `where [${condition}]`,
          [bools(rng, ...condition), make(rng, ...a), make(rng, ...b)],
          (c, x, y) => tf.where(c!, x!, y!),
          exact,
        );
    compareBackends(
      'where of two dtypes',
      [bools(rng, 9), normals(rng, 9), integers(rng, 9)],
      (c, x, y) => tf.where(c!, x!, y!),
      exact,
    );
    compareBackends('rows', [bools(rng, 4), normals(rng, 4, 3), normals(rng, 4, 3)], (...inputs) => {
      const [condition, t, e] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
      return tf.engine().runKernel(tf.Select, { condition, t, e });
    }, exact); // prettier-ignore
  });

  test('constants', () => {
    compareBackends('fill', [], () => [
      tf.fill([3, 7], 2.5),
      tf.fill([3, 7], 2.5, 'int32'),
      tf.fill([130, 127], -4, 'int32'),
      tf.fill([130, 127], 1, 'bool'),
      tf.fill([0, 3], 1, 'bool'),
    ], exact); // prettier-ignore
    for (const input of [integers(rng, 5, 7), bools(rng, 5, 7), normals(rng, 5, 7)])
      compareBackends('like', [input], (x) => [tf.zerosLike(x), tf.onesLike(x)], exact);
  });

  test('fused matMul with its activations', () => {
    const inputs = [normals(rng, 40, 9), normals(rng, 9, 33), normals(rng, 33), normals(rng, 33)];
    for (const activation of ['relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const)
      compareBackends(
        activation,
        inputs,
        (...all) => {
          const [a, b, bias, slope] = all as [tf.Tensor2D, tf.Tensor2D, tf.Tensor, tf.Tensor];
          return tf.fused.matMul({
            ...{ a, b, bias, activation, leakyreluAlpha: 0.3 },
            ...(activation === 'prelu' ? { preluActivationWeights: slope } : {}),
          });
        },
        { terms: 9 },
      );
  });

  test('zeros keep their sign', () => {
    const zeros = [-0, 0, -0.8, -0.2, 0.2, -1, 3, -3, NaN];
    const x = { shape: [9], values: Float32Array.from(zeros) };
    const sign = (y: tf.Tensor): tf.Tensor => tf.reciprocal(y); // ±∞ of ±0
    const unary = [
      ...(['abs', 'neg', 'sin', 'tan', 'tanh', 'asin', 'atan', 'sinh', 'asinh', 'atanh'] as const),
      ...(['erf', 'ceil', 'floor', 'sqrt', 'relu', 'relu6', 'elu', 'selu', 'leakyRelu'] as const),
      ...(['expm1', 'log1p', 'square', 'sign'] as const),
    ];
    for (const name of unary) compareBackends(name, [x], (v) => sign(tf[name](v)), { rtol: 1e-4 });
    const pairs = zeros.flatMap((a) => zeros.map((b) => [a, b] as const));
    const side = (i: 0 | 1) => ({
      shape: [pairs.length],
      values: Float32Array.from(pairs, (pair) => pair[i]),
    });
    for (const name of ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'mod', 'atan2'] as const)
      compareBackends(name, [side(0), side(1)], (a, b) => sign(tf[name](a, b)), { rtol: 1e-4 });
    // JavaScript's Math.round, and with it the CPU backend, loses the sign of -½; ties go to the even -0 here.
    void tf.setBackend('native');
    expect(Array.from(tf.round(tf.tensor1d([-0.5, -0.3, -0])).dataSync())).toEqual([-0, -0, -0]);
  });

  test('1, 2 and 3 threads give the same bytes', () => {
    const inputs = [normals(rng, 300, 310), normals(rng, 300, 1), bools(rng, 300, 310)];
    const bytes = [1, 2, 3].map((count) => {
      setThreads(count);
      return nativeBytes(inputs, (a, b, c) => [
        ...[tf.pow(tf.abs(a!), b!), tf.mod(a!, b!), tf.tan(a!), tf.floorDiv(a!, b!)],
        ...[tf.less(a!, b!), tf.where(c!, a!, tf.zerosLike(a!)), tf.cast(a!, 'int32')],
      ]);
    });
    setThreads(2);
    expect(bytes.map((other) => other.equals(bytes[0]!))).toEqual([true, true, true]);
  });

  test('an operation that integers do not have is refused by the addon', () => {
    const binding = nativeBinding();
    const x = new Int32Array(2);
    expect(() => binding.unary(6, x, x, 0)).toThrow(/^Expected/);
    expect(() => binding.binary(3, [2, 1, 1], x, x, x)).toThrow(/^Expected/);
    expect(() => binding.compare(0, [2, 1, 1], x, new Float32Array(2), new Uint8Array(2))).toThrow(
      /^Expected/,
    );
    expect(() => binding.fill(0.5, x)).toThrow(/^Expected/);
    expect(() => binding.addN([], new Float32Array(2))).toThrow(/^Expected/);
  });
}
