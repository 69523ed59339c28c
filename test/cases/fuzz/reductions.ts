// Sums, products of matrices, scans and searches, with random inputs.

import * as tf from '@tensorflow/tfjs';
import { everyDtype, numeric } from '../../support/fuzzInputs.ts';
import type { MakeFuzzCase, FuzzInputs, Dtype } from '../../support/fuzzInputs.ts';

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

function reduction(name: string, dtypes: readonly Dtype[], grad: boolean): MakeFuzzCase {
  const op = (tf as unknown as Record<string, Reduction>)[name]!;
  return (d) => {
    const shape = d.shape(0, 5, 6000);
    const axes = d.axes(shape.length);
    const dtype = d.dtype(dtypes);
    const keep = d.chance(0.3);
    const x =
      name === 'prod' && dtype === 'float32'
        ? d.of(shape, () => d.uniform(0.7, 1.3))
        : dtype === 'float32' &&
            d.chance(0.15) &&
            !['sum', 'mean', 'logSumExp', 'euclideanNorm'].includes(name)
          ? d.wild(shape)
          : d.tensor(shape, dtype);
    return {
      note: `${dtype} [${shape}] over ${axes}${keep ? ' kept' : ''}`,
      inputs: [x],
      run: (v) => op(v!, axes, keep),
      rtol: 2e-5,
      grad,
    };
  };
}

const arg =
  (name: 'argMax' | 'argMin'): MakeFuzzCase =>
  (d) => {
    const shape = d.shape(1, 5);
    const axis = d.axis(shape.length);
    const dtype = d.dtype(numeric);
    return {
      note: `${dtype} [${shape}] along ${axis}`,
      inputs: [dtype === 'float32' && d.chance(0.3) ? d.wild(shape) : d.tensor(shape, dtype)],
      run: (x) => tf[name](x!, axis),
    };
  };

// TensorFlow.js's CPU backend takes an axis that is counted from the end for one of size 0.
function knownAxis(axis: number, { length }: readonly number[]): number {
  return axis < 0 && tf.getBackend() === 'cpu' ? axis + length : axis;
}

const scan =
  (name: 'cumsum' | 'cumprod'): MakeFuzzCase =>
  (d) => {
    const shape = d.shape(1, 5, 4000, 1);
    const axis = d.axis(shape.length),
      exclusive = d.chance(0.5),
      reverse = d.chance(0.5);
    const dtype = d.dtype(numeric);
    const x =
      dtype === 'float32'
        ? d.of(shape, () => d.uniform(0.8, 1.2))
        : d.indices(shape, name === 'cumprod' ? 2 : 9);
    return {
      note: `${dtype} [${shape}] along ${axis} ${exclusive} ${reverse}`,
      inputs: [x],
      run: (v) => tf[name](v!, knownAxis(axis, shape), exclusive, reverse),
      rtol: 2e-5,
      adjoint: name === 'cumsum' && dtype === 'float32',
    };
  };

const softmaxOf =
  (name: 'softmax' | 'logSoftmax'): MakeFuzzCase =>
  (d) => {
    const shape = d.shape(1, 4);
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape, 'float32', d.pick([1, 30]))],
      run: (x) => tf[name](x!),
      rtol: 1e-5,
      grad: true,
    };
  };

const bound =
  (name: 'lowerBound' | 'upperBound'): MakeFuzzCase =>
  (d) => {
    const rows = d.int(1, 5),
      length = d.length(90, 1),
      asked = d.length(40, 1);
    const dtype = d.dtype(numeric);
    const line = () => Array.from({ length }, () => d.int(-20, 20)).sort((a, b) => a - b);
    const sorted = Array.from({ length: rows }, line).flat();
    return {
      note: `${dtype} [${rows}, ${length}] ${asked}`,
      inputs: [
        {
          shape: [rows, length],
          values: dtype === 'int32' ? Int32Array.from(sorted) : Float32Array.from(sorted),
          dtype,
        },
        dtype === 'int32'
          ? d.tensor([rows, asked], 'int32')
          : d.tensor([rows, asked], 'float32', 9),
      ],
      run: (s, v) => tf[name](s!, v!),
    };
  };

// TensorFlow.js's CPU backend takes a batch of [4, 1] beside one of [4, 3] for four matrices in turn.
function spelledOut(a: tf.Tensor, b: tf.Tensor): [tf.Tensor, tf.Tensor] {
  if (tf.getBackend() !== 'cpu') return [a, b];
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(
    a.shape.slice(0, -2),
    b.shape.slice(0, -2),
  );
  return [
    tf.broadcastTo(a, [...batch, ...a.shape.slice(-2)]),
    tf.broadcastTo(b, [...batch, ...b.shape.slice(-2)]),
  ];
}

function drawEinsum(d: FuzzInputs) {
  const letters = 'abcdef';
  const sizes = Object.fromEntries([...letters].map((letter) => [letter, d.length(12, 1)]));
  const term = () =>
    d
      .shuffled(d.some([...letters]))
      .slice(0, 4)
      .join('');
  const left = term(),
    right = term();
  const all = [...new Set(left + right)];
  // TensorFlow.js's CPU backend keeps an axis that is in one factor alone and not in the result.
  const shared = [...left].filter((letter) => right.includes(letter));
  const out = d
    .shuffled(all.filter((letter) => !shared.includes(letter) || d.chance(0.5)))
    .join('');
  const of = (name: string) => d.tensor([...name].map((letter) => sizes[letter]!));
  return {
    note: `${left},${right}->${out} ${JSON.stringify(sizes)}`,
    inputs: [of(left), of(right)],
    run: (a?: tf.Tensor, b?: tf.Tensor) => tf.einsum(`${left},${right}->${out}`, a!, b!),
    rtol: 1e-4,
  };
}

export const reductions: Record<string, MakeFuzzCase> = {
  sum: reduction('sum', everyDtype, true),
  mean: reduction('mean', everyDtype, true),
  max: reduction('max', numeric, false),
  min: reduction('min', numeric, false),
  prod: reduction('prod', numeric, true),
  any: reduction('any', ['bool'], false),
  all: reduction('all', ['bool'], false),
  logSumExp: reduction('logSumExp', ['float32'], true),
  euclideanNorm: reduction('euclideanNorm', ['float32'], false),
  argMax: arg('argMax'),
  argMin: arg('argMin'),
  cumsum: scan('cumsum'),
  cumprod: scan('cumprod'),
  softmax: softmaxOf('softmax'),
  logSoftmax: softmaxOf('logSoftmax'),
  lowerBound: bound('lowerBound'),
  upperBound: bound('upperBound'),
  einsum: drawEinsum,
  matMul: (d) => {
    const m = d.length(60),
      k = d.length(90),
      n = d.length(60);
    const batch = d.shape(0, 2, 12, 1);
    const [ta, tb] = [d.chance(0.4), d.chance(0.4)];
    const a = [...d.broadcastable(batch), ...(ta ? [k, m] : [m, k])],
      b = [...d.broadcastable(batch), ...(tb ? [n, k] : [k, n])];
    const dtype = d.chance(0.85) ? 'float32' : 'int32';
    return {
      note: `${dtype} [${a}]${ta ? 'ᵀ' : ''} · [${b}]${tb ? 'ᵀ' : ''}`,
      inputs: [d.tensor(a, dtype), d.tensor(b, dtype)],
      run: (x, y) => tf.matMul(...spelledOut(x!, y!), ta, tb),
      rtol: 2e-5,
      // TensorFlow.js does not sum the gradient over a batch that was spread.
      grad: dtype === 'float32' && tf.util.arraysEqual(a.slice(0, -2), b.slice(0, -2)),
    };
  },
  fusedMatMul: (d) => {
    const m = d.length(40, 1),
      k = d.length(40, 1),
      n = d.length(40, 1);
    const [ta, tb] = [d.chance(0.4), d.chance(0.4)];
    const batch = d.chance(0.3) ? [d.int(1, 4)] : [];
    const activation = d.pick([
      'linear',
      'relu',
      'relu6',
      'elu',
      'sigmoid',
      'leakyrelu',
      'prelu',
    ] as const);
    const bias = d.chance(0.6);
    const inputs = [
      d.tensor([...batch, ...(ta ? [k, m] : [m, k])]),
      d.tensor([...batch, ...(tb ? [n, k] : [k, n])]),
      d.tensor([n]),
      d.tensor([n]),
    ];
    return {
      note: `${activation} ${bias} ${JSON.stringify(inputs.map((x) => x.shape))} ${ta} ${tb}`,
      inputs,
      run: (a, b, c, p) =>
        tf.fused.matMul({
          a: a!,
          b: b!,
          transposeA: ta,
          transposeB: tb,
          activation,
          leakyreluAlpha: 0.3,
          ...(bias ? { bias: c! } : {}),
          ...(activation === 'prelu' ? { preluActivationWeights: p! } : {}),
        }),
      rtol: 2e-5,
    };
  },
  dot: (d) => {
    const k = d.length(60, 1),
      [m, n] = [d.int(1, 9), d.int(1, 9)];
    const a = d.chance(0.5) ? [k] : [m, k],
      b = d.chance(0.5) ? [k] : [k, n];
    return {
      note: `[${a}] [${b}]`,
      inputs: [d.tensor(a), d.tensor(b)],
      run: (x, y) => tf.dot(x!, y!),
      rtol: 2e-5,
      grad: true,
    };
  },
  topk: (d) => {
    const shape = d.shape(1, 4, 3000, 1);
    const k = d.int(1, shape.at(-1)!);
    const dtype = d.dtype(numeric);
    return {
      note: `${dtype} [${shape}] ${k}`,
      inputs: [d.tensor(shape, dtype)],
      run: (x) => {
        const { values, indices } = tf.topk(x!, k);
        return [values, indices];
      },
    };
  },
  moments: (d) => {
    const shape = d.shape(1, 4, 4000, 1);
    const axes = d.axes(shape.length);
    return {
      note: `[${shape}] over ${axes}`,
      inputs: [d.tensor(shape)],
      run: (x) => {
        const { mean, variance } = tf.moments(x!, axes);
        return [mean, variance];
      },
      rtol: 2e-5,
    };
  },
  bincount: (d) => {
    const length = d.length(500),
      size = d.int(0, 60);
    const weights = d.chance(0.5) ? d.tensor([length]) : d.tensor([0]);
    return {
      note: `${length} ${size} ${weights.shape}`,
      inputs: [d.indices([length], 70), weights],
      run: (x, w) => tf.bincount(x as tf.Tensor1D, w as tf.Tensor1D, size),
      rtol: 1e-5,
    };
  },
  denseBincount: (d) => {
    const shape = d.shape(1, 2, 900),
      size = d.int(0, 60),
      binary = d.chance(0.3);
    const weights = d.chance(0.5) ? d.tensor(shape) : d.tensor([0]);
    return {
      note: `[${shape}] ${size} ${binary} ${weights.shape}`,
      inputs: [d.indices(shape, 70), weights],
      run: (x, w) => tf.denseBincount(x as tf.Tensor1D, w as tf.Tensor1D, size, binary),
      rtol: 1e-5,
    };
  },
  unique: (d) => {
    const shape = d.shape(1, 3, 1500, 1),
      axis = d.axis(shape.length);
    const dtype = d.dtype(['int32', 'float32', 'bool']);
    const x =
      dtype === 'float32'
        ? d.of(shape, () => d.int(-2, 2) / 2)
        : dtype === 'int32'
          ? d.indices(shape, 4)
          : d.tensor(shape, 'bool');
    return {
      note: `${dtype} [${shape}] along ${axis}`,
      inputs: [x],
      run: (v) => {
        const { values, indices } = tf.unique(v!, axis);
        return [values, indices];
      },
    };
  },
  batchNorm: (d) => {
    const shape = d.shape(2, 4, 3000, 1);
    const c = [shape.at(-1)!];
    return {
      note: `[${shape}]`,
      inputs: [
        d.tensor(shape),
        d.tensor(c),
        d.of(c, () => d.uniform(0.1, 2)),
        d.tensor(c),
        d.tensor(c),
      ],
      run: (x, m, v, o, s) =>
        tf.batchNorm(
          x!,
          m as tf.Tensor1D,
          v as tf.Tensor1D,
          o as tf.Tensor1D,
          s as tf.Tensor1D,
          1e-3,
        ),
      rtol: 1e-5,
      grad: true,
    };
  },
  localResponseNormalization: (d) => {
    const shape = [d.int(1, 3), d.int(1, 8), d.int(1, 8), d.length(40, 1)];
    const radius = d.int(0, 6);
    return {
      note: `[${shape}] ${radius}`,
      inputs: [d.tensor(shape)],
      run: (x) => tf.localResponseNormalization(x as tf.Tensor4D, radius, 1.2, 0.5, 0.6),
      rtol: 1e-5,
      grad: true,
    };
  },
};
