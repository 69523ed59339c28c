// Elementwise ops, with random inputs.

import * as tf from '@tensorflow/tfjs';
import { everyDtype, numeric } from '../../support/fuzzInputs.ts';
import type { MakeFuzzCase, FuzzInputs, Dtype } from '../../support/fuzzInputs.ts';

const smooth = [
  'acos',
  'acosh',
  'asin',
  'asinh',
  'atan',
  'atanh',
  'cos',
  'cosh',
  'elu',
  'erf',
  'exp',
  'expm1',
  'log',
  'log1p',
  'reciprocal',
  'rsqrt',
  'selu',
  'sigmoid',
  'sin',
  'sinh',
  'softplus',
  'sqrt',
  'tan',
  'tanh',
  'logSigmoid',
  'leakyRelu',
] as const;
const ofNumbers = [
  'abs',
  'neg',
  'square',
  'relu',
  'relu6',
  'sign',
  'round',
  'ceil',
  'floor',
  'step',
] as const;
const tests = ['isNaN', 'isInf', 'isFinite'] as const;
const arithmetic = [
  'add',
  'sub',
  'mul',
  'div',
  'divNoNan',
  'floorDiv',
  'mod',
  'maximum',
  'minimum',
  'squaredDifference',
] as const;
const comparisons = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const;
const logical = ['logicalAnd', 'logicalOr', 'logicalXor'] as const;

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

function unary(name: string, dtypes: readonly Dtype[], grad: boolean): MakeFuzzCase {
  const op = (tf as unknown as Record<string, Unary>)[name]!;
  return (d) => {
    const shape = d.shape();
    const dtype = d.dtype(dtypes);
    const wild = dtype === 'float32' && d.chance(0.4);
    const x = wild ? d.wild(shape) : d.tensor(shape, dtype, 3);
    return {
      note: `${dtype}${wild ? ' wild' : ''} [${shape}]`,
      inputs: [x],
      run: (v) => op(v),
      // The CPU backend's erf is an approximation.
      ...(name === 'erf' ? { rtol: 1e-5, atol: 1e-8 } : { rtol: 2e-6 }),
      grad: grad && !wild,
    };
  };
}

/** A pair of shapes that broadcast to one another. */
function pair(d: FuzzInputs): [number[], number[]] {
  const shape = d.shape();
  const other = d.broadcastable(shape);
  const own = d.chance(0.2)
    ? shape.map((size, i) =>
        i >= shape.length - other.length &&
        other[i - shape.length + other.length] === size &&
        d.chance(0.3)
          ? 1
          : size,
      )
    : shape;
  return d.chance(0.5) ? [own, other] : [other, own];
}

function binary(name: string, dtypes: readonly Dtype[], grad: boolean): MakeFuzzCase {
  const op = (tf as unknown as Record<string, Binary>)[name]!;
  return (d) => {
    const [a, b] = pair(d);
    const first = d.dtype(dtypes);
    const second = d.chance(0.8) ? first : d.dtype(dtypes);
    const wild = first === 'float32' && second === 'float32' && d.chance(0.3);
    const draw = (shape: number[], dtype: typeof first) =>
      wild ? d.wild(shape) : d.tensor(shape, dtype, 3);
    return {
      note: `${first} [${a}], ${second} [${b}]${wild ? ' wild' : ''}`,
      inputs: [draw(a, first), draw(b, second)],
      run: (x, y) => op(x!, y!),
      rtol: 2e-6,
      grad: grad && !wild,
    };
  };
}

const named = (
  names: readonly string[],
  make: (name: string) => MakeFuzzCase,
): Record<string, MakeFuzzCase> => Object.fromEntries(names.map((name) => [name, make(name)]));

export const elementwise: Record<string, MakeFuzzCase> = {
  ...named(smooth, (name) => unary(name, ['float32'], true)),
  ...named(ofNumbers, (name) => unary(name, numeric, true)),
  ...named(tests, (name) => unary(name, everyDtype, false)),
  logicalNot: unary('logicalNot', ['bool'], false),
  ...named(arithmetic, (name) => binary(name, numeric, true)),
  ...named(comparisons, (name) => binary(name, everyDtype, false)),
  ...named(logical, (name) => binary(name, ['bool'], false)),
  atan2: binary('atan2', ['float32'], true),
  bitwiseAnd: binary('bitwiseAnd', ['int32'], false),
  pow: (d) => {
    const [a, b] = pair(d);
    const dtype = d.dtype(numeric);
    if (dtype === 'int32')
      return {
        note: `int32 [${a}] [${b}]`,
        inputs: [d.tensor(a, 'int32'), d.indices(b, 6)],
        run: (x, y) => tf.pow(x!, y!),
      };
    const wild = d.chance(0.3);
    return {
      note: `[${a}] [${b}]${wild ? ' wild' : ''}`,
      inputs: wild
        ? [d.wild(a), d.wild(b)]
        : [d.of(a, () => d.uniform(0.1, 4)), d.of(b, () => d.uniform(-4, 4))],
      run: (x, y) => tf.pow(x!, y!),
      rtol: 1e-5,
      grad: !wild,
    };
  },
  prelu: (d) => {
    const shape = d.shape(1, 4);
    const alpha = d.broadcastable(shape);
    return {
      note: `[${shape}] [${alpha}]`,
      inputs: [d.tensor(shape), d.tensor(alpha)],
      run: (x, y) => tf.prelu(x!, y!),
      grad: true,
    };
  },
  clipByValue: (d) => {
    const shape = d.shape();
    const dtype = d.dtype(numeric);
    const low = d.int(-4, 1),
      high = d.int(low, 5);
    return {
      note: `${dtype} [${shape}] ${low} ${high}`,
      inputs: [d.chance(0.3) && dtype === 'float32' ? d.wild(shape) : d.tensor(shape, dtype, 3)],
      run: (x) => tf.clipByValue(x!, low, high),
      grad: true,
    };
  },
  where: (d) => {
    const [a, b] = pair(d);
    const c = d.chance(0.5)
      ? a
      : d.broadcastable(tf.broadcast_util.assertAndGetBroadcastShape(a, b));
    const dtype = d.dtype();
    return {
      note: `[${c}] ${dtype} [${a}] [${b}]`,
      inputs: [d.tensor(c, 'bool'), d.tensor(a, dtype), d.tensor(b, dtype)],
      run: (v, x, y) => tf.where(v!, x!, y!),
      grad: true,
    };
  },
  addN: (d) => {
    const shape = d.shape();
    const dtype = d.dtype(numeric);
    return {
      note: `${dtype} [${shape}]`,
      inputs: Array.from({ length: d.int(1, 5) }, () => d.tensor(shape, dtype)),
      run: (...x) => tf.addN(x),
    };
  },
  cast: (d) => {
    const shape = d.shape(),
      from = d.dtype(),
      to = d.dtype();
    return {
      note: `${from} → ${to} [${shape}]`,
      inputs: [from === 'float32' && d.chance(0.4) ? d.wild(shape) : d.tensor(shape, from, 5)],
      run: (x) => tf.cast(x!, to),
    };
  },
  complexAbs: (d) => {
    const shape = d.shape();
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape), d.tensor(shape)],
      run: (re, im) => tf.abs(tf.complex(re!, im!)),
      rtol: 1e-6,
    };
  },
  complexArithmetic: (d) => {
    const shape = d.shape();
    const other = d.broadcastable(shape);
    const op = d.pick(['add', 'sub', 'mul'] as const);
    return {
      note: `${op} [${shape}] [${other}]`,
      inputs: [d.tensor(shape), d.tensor(shape), d.tensor(other), d.tensor(other)],
      run: (a, b, c, e) => {
        const out = tf[op](tf.complex(a!, b!), tf.complex(c!, e!));
        return [tf.real(out), tf.imag(out)];
      },
      rtol: 1e-6,
    };
  },
};
