// TensorFlow.js's own ops at the sizes of image models. They show what a program without our models gains from the backend.

import * as tf from '@tensorflow/tfjs';
import type { PeerName } from './contenders.ts';
import type { Work } from './works.ts';

interface Row {
  /** The row's name after `tf.`. */
  name: string;
  inputs: readonly Input[];
  run: (...tensors: never[]) => tf.Tensor | tf.Tensor[];
  /** Contenders that have no kernel for the row, or one that gives other numbers. */
  without?: readonly PeerName[];
}
interface Input {
  shape: number[];
  /** Its values: normal numbers of mean 0 and variance 1 by default, or integers from 0 to below a number. */
  of?: 'positive' | 'within 1' | 'bool' | number;
}

const v: Input = { shape: [512, 1024] };
const size: Input = { ...v, of: 'positive' };
const mask: Input = { ...v, of: 'bool' };
const whole: Input = { ...v, of: 100 };
const row: Input = { shape: [1024] };
const x: Input = { shape: [8, 56, 56, 64] };
const image: Input = { shape: [4, 224, 224, 3] };
const volume: Input = { shape: [2, 8, 16, 16, 8] };
const places: Input = { shape: [2000], of: 512 };
const channel: Input = { shape: [64] };
const list: Input = { shape: [1_000_000], of: 100 };
const kernel = (...shape: number[]): Input => ({ shape });

type One = (a: tf.Tensor) => tf.Tensor;
type Two = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
const one = (name: string, run: One, input = v): Row => ({ name, inputs: [input], run });
const two = (name: string, run: Two, a = v, b = a): Row => ({ name, inputs: [a, b], run });

const unary = [
  'abs', 'neg', 'square', 'exp', 'expm1', 'sigmoid', 'tanh', 'erf', 'relu', 'relu6', 'elu', 'selu', 'leakyRelu', 'softplus',
  'sin', 'cos', 'tan', 'atan', 'sinh', 'reciprocal', 'sign', 'floor', 'ceil', 'round', 'step', 'isNaN', 'isFinite',
] as const; // prettier-ignore
const positive = ['log', 'log1p', 'sqrt', 'rsqrt'] as const;
const binary = [
  'add', 'sub', 'mul', 'div', 'maximum', 'squaredDifference', 'floorDiv', 'mod', 'atan2', 'less', 'equal',
] as const; // prettier-ignore
const alongRows = [
  'sum', 'mean', 'max', 'min', 'prod', 'argMax', 'argMin', 'cumsum', 'cumprod', 'logSumExp',
] as const; // prettier-ignore

type Conv = (x: tf.Tensor4D, f: tf.Tensor4D, c: tf.Tensor1D) => tf.Tensor;
const conv = (name: string, run: Conv, filter = kernel(3, 3, 64, 64), input = x): Row => ({
  name,
  inputs: [input, filter, channel],
  run,
});
type Gradient = (x: tf.Tensor4D, f: tf.Tensor4D, dy: tf.Tensor4D) => tf.Tensor;
const gradient = (name: string, run: Gradient, filter = kernel(3, 3, 64, 64)): Row => ({
  name,
  inputs: [x, filter, x],
  run,
});

type Dilation = (x: tf.Tensor4D, f: tf.Tensor3D) => tf.Tensor;
const dilation = (name: string, run: Dilation): Row => ({
  name,
  inputs: [x, kernel(3, 3, 64)],
  run,
  without: ['wasm'],
});

const rows: readonly Row[] = [
  ...unary.map((name) => one(name, (a) => tf[name](a))),
  one('asin', (a) => tf.asin(a), { ...v, of: 'within 1' }),
  ...positive.map((name) => one(name, (a) => tf[name](a), size)),
  ...binary.map((name) => two(name, (a, b) => tf[name](a, b))),
  two('pow', (a, b) => tf.pow(a, b), size, v),
  two('add a row', (a, b) => tf.add(a, b), v, row),
  two('add of int32', (a, b) => tf.add(a, b), whole),
  two('mul of int32', (a, b) => tf.mul(a, b), whole),
  two('pow of int32', (a, b) => tf.pow(a, b), whole, { shape: [], of: 4 }),
  { ...two('bitwiseAnd', (a, b) => tf.bitwiseAnd(a, b), whole), without: ['tfjs-node'] },
  { ...two('mul of bool', (a, b) => tf.mul(a, b), mask), without: ['tfjs-node'] },
  two('logicalAnd', (a, b) => tf.logicalAnd(a, b), mask),
  one('logicalNot', (a) => tf.logicalNot(a), mask),
  {
    name: 'where',
    inputs: [mask, v, v],
    run: (c: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.where(c, a, b),
  },
  one('clipByValue', (a) => tf.clipByValue(a, -1, 1)),
  one('cast to int32', (a) => tf.cast(a, 'int32')),
  { ...one('cast to bool', (a) => tf.cast(a, 'bool')), without: ['wasm'] },
  one('cast of int32', (a) => tf.cast(a, 'float32'), whole),
  ...alongRows.map((name) => one(`${name} of rows`, (a) => tf[name](a, 1))),
  one('sum of columns', (a) => tf.sum(a, 0)),
  one('sum of all', (a) => tf.sum(a)),
  one('argMax of columns', (a) => tf.argMax(a, 0)),
  one('cumsum of columns', (a) => tf.cumsum(a, 0)),
  one('any of rows', (a) => tf.any(a, 1), mask),
  one('sum of int32', (a) => tf.sum(a, 1), whole),
  one('norm', (a) => tf.norm(a)),
  one('softmax', (a) => tf.softmax(a)),
  one('logSoftmax', (a) => tf.logSoftmax(a)),
  one('transpose', (a) => tf.transpose(a)),
  one('transpose to NCHW', (a) => tf.transpose(a, [0, 3, 1, 2]), x),
  one('slice', (a) => tf.slice(a, [10, 10], [400, 800])),
  one('stridedSlice', (a) => tf.stridedSlice(a, [0, 0], [512, 1024], [2, 2])),
  two('concat', (a, b) => tf.concat([a, b], 1)),
  two('stack', (a, b) => tf.stack([a, b], 2)),
  { name: 'split', inputs: [v], run: (a: tf.Tensor) => tf.split(a, 4, 1) },
  one('pad', (a) => tf.pad(a, [[3, 3], [2, 2]])), // prettier-ignore
  one('mirrorPad', (a) => tf.mirrorPad(a, [[3, 3], [2, 2]], 'reflect')), // prettier-ignore
  one('tile', (a) => tf.tile(a, [2, 2])),
  one('reverse', (a) => tf.reverse(a, 1)),
  one('spaceToBatchND', (a) => tf.spaceToBatchND(a, [2, 2], [[0, 0], [0, 0]]), x), // prettier-ignore
  one('depthToSpace', (a) => tf.depthToSpace(a as tf.Tensor4D, 2, 'NHWC'), x),
  two('gather rows', (a, b) => tf.gather(a, b as tf.Tensor1D), v, places),
  two('gather columns', (a, b) => tf.gather(a, b as tf.Tensor1D, 1), v, places),
  two('gatherND', (a, b) => tf.gatherND(a, b), v, { shape: [1000, 2], of: 512 }),
  two('scatterND', (a, b) => tf.scatterND(a, b, [512, 64]), { shape: [2000, 1], of: 512 }, {
    shape: [2000, 64],
  }), // prettier-ignore
  {
    ...two('unsortedSegmentSum', (a, b) => tf.unsortedSegmentSum(a, b as tf.Tensor1D, 512), v, {
      shape: [512],
      of: 512,
    }),
    without: ['wasm'],
  },
  one('unique', (a) => tf.unique(a).values, list),
  two('bincount', (a, b) => tf.bincount(a as tf.Tensor1D, b as tf.Tensor1D, 100), list, {
    shape: [list.shape[0]!],
  }),
  {
    ...two(
      'searchSorted',
      (a, b) => tf.searchSorted(tf.cumsum(a), tf.mul(b, 600)),
      { ...row, of: 'positive' },
      { shape: [500_000], of: 'positive' },
    ),
    without: ['tfjs-node'],
  },
  {
    name: 'sparseSegmentSum',
    inputs: [v, places],
    run: (a: tf.Tensor2D, b: tf.Tensor1D) =>
      tf.sparse.sparseSegmentSum(a, b, tf.range(0, 2000, 1, 'int32') as tf.Tensor1D),
    without: ['tfjs-node'],
  },
  one('diag', (a) => tf.diag(a), row),
  one('oneHot', (a) => tf.oneHot(a as tf.Tensor1D, 1000), places),
  { name: 'topk 5', inputs: [v], run: (a: tf.Tensor) => Object.values(tf.topk(a, 5)) },
  { ...two('einsum ij,kj->ik', (a, b) => tf.einsum('ij,kj->ik', a, b)), without: ['wasm'] },
  {
    ...two('matMul of int32', (a, b) => tf.matMul(a, b, false, true), {
      ...whole,
      shape: [256, 256],
    }),
    without: ['wasm'],
  },
  two('matMul', (a, b) => tf.matMul(a, b, false, true)),
  conv('conv2d 3×3', (a, f) => tf.conv2d(a, f, 1, 'same')),
  conv('conv2d 3×3 by 2', (a, f) => tf.conv2d(a, f, 2, 'same')),
  conv('conv2d 1×1', (a, f) => tf.conv2d(a, f, 1, 'same'), kernel(1, 1, 64, 256)),
  conv('conv2d 7×7 by 2', (a, f) => tf.conv2d(a, f, 2, 'same'), kernel(7, 7, 3, 64), image),
  conv('conv2d 16×16 by 16', (a, f) => tf.conv2d(a, f, 16, 'valid'), kernel(16, 16, 3, 192), image),
  conv('fused.conv2d relu', (a, f, bias) =>
    tf.fused.conv2d({ x: a, filter: f, strides: 1, pad: 'same', bias, activation: 'relu' }),
  ),
  conv('depthwiseConv2d', (a, f) => tf.depthwiseConv2d(a, f, 1, 'same'), kernel(3, 3, 64, 1)),
  conv('conv2dTranspose', (a, f) => tf.conv2dTranspose(a, f, [8, 56, 56, 64], 1, 'same')),
  gradient('conv2d, gradient of x', (a, f, dy) =>
    tf.grad((at) => tf.conv2d(at as tf.Tensor4D, f, 1, 'same'))(a, dy),
  ),
  {
    ...gradient('conv2d, gradient of the filter', (a, f, dy) =>
      tf.grad((at) => tf.conv2d(a, at as tf.Tensor4D, 1, 'same'))(f, dy),
    ),
    without: ['wasm'],
  },
  {
    ...gradient(
      'depthwiseConv2d, gradient of x',
      (a, f, dy) => tf.grad((at) => tf.depthwiseConv2d(at as tf.Tensor4D, f, 1, 'same'))(a, dy),
      kernel(3, 3, 64, 1),
    ),
    without: ['wasm'],
  },
  {
    name: 'conv3d',
    inputs: [volume, kernel(3, 3, 3, 8, 16)],
    run: (a: tf.Tensor5D, f: tf.Tensor5D) => tf.conv3d(a, f, 1, 'same'),
  },
  one('maxPool', (a) => tf.maxPool(a as tf.Tensor4D, 3, 2, 'same'), x),
  one('avgPool', (a) => tf.avgPool(a as tf.Tensor4D, 2, 2, 'same'), x),
  {
    ...one(
      'maxPool, gradient',
      (a) => tf.grad((at) => tf.maxPool(at as tf.Tensor4D, 2, 2, 'same'))(a),
      x,
    ),
    without: ['wasm'],
  },
  one(
    'avgPool, gradient',
    (a) => tf.grad((at) => tf.avgPool(at as tf.Tensor4D, 2, 2, 'same'))(a),
    x,
  ),
  {
    name: 'batchNorm',
    inputs: [x, channel, { ...channel, of: 'positive' }, channel, channel],
    run: (a: tf.Tensor4D, m: tf.Tensor1D, s: tf.Tensor1D, o: tf.Tensor1D, f: tf.Tensor1D) =>
      tf.batchNorm4d(a, m, s, o, f),
  },
  one('localResponseNormalization', (a) => tf.localResponseNormalization(a as tf.Tensor4D), x),
  one('resizeBilinear', (a) => tf.image.resizeBilinear(a as tf.Tensor4D, [448, 448]), image),
  one('resizeNearest', (a) => tf.image.resizeNearestNeighbor(a as tf.Tensor4D, [448, 448]), image),
  one('flipLeftRight', (a) => tf.image.flipLeftRight(a as tf.Tensor4D), image),
  {
    ...one('image.transform', (a) => {
      const map = tf.tensor2d([[1, 0.1, 0, 0.1, 1, 0, 0, 0]]);
      return tf.image.transform(a as tf.Tensor4D, map, 'bilinear');
    }, image),
    without: ['tfjs-node'],
  }, // prettier-ignore
  dilation('dilation2d', (a, f) => tf.dilation2d(a, f, 1, 'same')),
  dilation('dilation2d, gradient of x', (a, f) =>
    tf.grad((at) => tf.dilation2d(at as tf.Tensor4D, f, 1, 'same'))(a),
  ),
  two(
    'image.nonMaxSuppression',
    (a, b) => tf.image.nonMaxSuppression(a as tf.Tensor2D, b as tf.Tensor1D, 1000),
    { shape: [5000, 4], of: 'positive' },
    { shape: [5000], of: 'positive' },
  ),
  { ...two('abs of complex numbers', (a, b) => tf.abs(tf.complex(a, b))), without: ['wasm'] },
  {
    ...conv(
      'conv2d 3×3, channels first',
      (a, f) => tf.conv2d(a, f, 1, 'same', 'NCHW'),
      kernel(3, 3, 64, 64),
      { shape: [8, 64, 56, 56] },
    ),
    without: ['wasm'],
  },
  { ...two('fft', (a, b) => tf.real(tf.spectral.fft(tf.complex(a, b)))), without: ['wasm'] },
];

// Two small programs: the convolutional network of TensorFlow.js's MNIST tutorial with its gradients, and a block
// of MobileNet.
const programs: readonly Row[] = [
  {
    name: 'grads of a convolutional network',
    inputs: [
      kernel(64, 28, 28, 1),
      kernel(5, 5, 1, 8),
      kernel(5, 5, 8, 16),
      kernel(256, 10),
      { shape: [64], of: 10 },
    ],
    run: (a: tf.Tensor4D, f: tf.Tensor4D, g: tf.Tensor4D, w: tf.Tensor2D, labels: tf.Tensor1D) =>
      tf.grads((first, second, last) => {
        const pooled = (y: tf.Tensor4D, z: tf.Tensor): tf.Tensor4D =>
          tf.maxPool(tf.relu(tf.conv2d(y, z as tf.Tensor4D, 1, 'valid')), 2, 2, 'valid');
        const features = tf.reshape(pooled(pooled(a, first), second), [64, 256]);
        const logits = tf.matMul(features, last as tf.Tensor2D);
        const known = tf.sum(tf.mul(logits, tf.oneHot(labels, 10)), 1);
        return tf.mean(tf.sub(tf.logSumExp(logits, 1), known)) as tf.Scalar;
      })([f, g, w]),
    without: ['wasm'],
  },
  {
    name: 'fused.depthwiseConv2d in a block of MobileNet',
    inputs: [x, kernel(1, 1, 64, 256), kernel(3, 3, 256, 1), kernel(1, 1, 256, 64)],
    run: (a: tf.Tensor4D, wide: tf.Tensor4D, depth: tf.Tensor4D, narrow: tf.Tensor4D) => {
      const common = { strides: 1, pad: 'same', activation: 'relu6' } as const;
      const inner = tf.fused.conv2d({ x: a, filter: wide, ...common });
      const middle = tf.fused.depthwiseConv2d({ x: inner, filter: depth, ...common });
      return tf.add(a, tf.conv2d(middle, narrow, 1, 'same'));
    },
  },
];

/** The works of the table, those with `only` in their name. */
export function tfjsWorks(only: string): Work[] {
  return [...rows, ...programs]
    .map((each) => ({ ...each, name: `tf.${each.name}` }))
    .filter(({ name }) => name.includes(only))
    .map(({ name, inputs, without = [] }) => ({
      name,
      kind: 'op',
      precision: 'fp32',
      batch: null,
      shape: inputs[0]!.shape,
      flops: 0,
      without,
    }));
}

/** The row of a work, prepared on the current backend, with some elements of its result; undefined if the work is of another table. */
export function prepareTfjsOp(name: string) {
  const found = [...rows, ...programs].find((each) => `tf.${each.name}` === name);
  if (found === undefined) return undefined;
  const inputs = found.inputs.map(draw);
  const run = found.run as (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  const check = tf.tidy(() => {
    const [first] = [run(...inputs)].flat();
    return Array.from(first!.dataSync().slice(0, 64), Number);
  });
  return {
    check,
    // These backends compute at once; there is nothing to wait for.
    repeat: () => tf.tidy(() => void run(...inputs)),
    dispose: () => tf.dispose(inputs),
  };
}

// tfjs draws normal numbers one at a time, which for images takes longer than the ops.
function draw({ shape, of }: Input, index: number): tf.Tensor {
  const size = shape.reduce((product, each) => product * each, 1);
  let state = 0x9e3779b9 + index;
  const uniform = (): number => {
    // Marsaglia's xorshift32 (2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  if (typeof of === 'number') {
    return tf.tensor(
      Int32Array.from({ length: size }, () => Math.floor(of * uniform())),
      shape,
    );
  }
  if (of === 'bool') {
    return tf.tensor(
      Uint8Array.from({ length: size }, () => (uniform() < 0.5 ? 1 : 0)),
      shape,
      'bool',
    );
  }
  const low = of === 'positive' ? 0.001 : of === 'within 1' ? -1 : -Math.sqrt(3);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i += 1)
    values[i] = low + (of === 'positive' ? 2 : -2 * low) * uniform();
  return tf.tensor(values, shape);
}
