// A valid call of every function of the native addon, small, as kinds of arguments: from these the tests of the entry points derive
// the invalid ones. A function without a call here fails the test.

/** The allowed lengths of an array or a list: exactly that of the valid call, at least that, or any. */
export type Length = 'exact' | 'least' | 'any';

/** The kind of a number in a descriptor. */
export type Field = 'size' | 'flag' | 'choice' | 'real';

/** An argument and its kind. A size with `fit` must match the arrays. */
export type Argument =
  | { kind: 'floats'; make: () => Float32Array; length: Length }
  | { kind: 'bytes'; make: () => Uint8Array; length: Length }
  | { kind: 'ints'; make: () => Int32Array; length: Length }
  | { kind: 'doubles'; make: () => Float64Array; length: Length }
  | { kind: 'bias'; make: () => Float32Array; length: Length }
  | { kind: 'size'; make: () => number }
  | { kind: 'choice'; make: () => number }
  | { kind: 'real'; make: () => number }
  | { kind: 'flag'; make: () => boolean }
  | { kind: 'text'; make: () => string }
  | { kind: 'walk'; make: () => number[] }
  | { kind: 'reals'; make: () => number[] }
  | { kind: 'sizes'; make: () => number[] }
  | { kind: 'descriptor'; make: () => Float64Array; length: Length; fields: Field[]; fit: boolean }
  | { kind: 'tensors'; make: () => Float32Array[]; length: Length };

const values = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => 1 + 0.5 * Math.sin(i));
const f = (count: number, length: Length = 'exact'): Argument => ({
  kind: 'floats',
  make: () => values(count),
  length,
});
const b = (count: number, length: Length = 'exact'): Argument => ({
  kind: 'bytes',
  make: () => new Uint8Array(count),
  length,
});
const ints = (...all: number[]): Argument => ({
  kind: 'ints',
  make: () => Int32Array.from(all),
  length: 'exact',
});
const doubles = (count: number, length: Length = 'exact'): Argument => ({
  kind: 'doubles',
  make: () => new Float64Array(count).fill(0.4),
  length,
});
const ints4: Argument = { kind: 'ints', make: () => Int32Array.of(1, 2, 3, 4), length: 'least' };
const bias = (count: number): Argument => ({
  kind: 'bias',
  make: () => values(count),
  length: 'exact',
});
const size = (value: number): Argument => ({ kind: 'size', make: () => value });
const choice = (value: number): Argument => ({ kind: 'choice', make: () => value });
const real = (value: number): Argument => ({ kind: 'real', make: () => value });
const flag = (value: boolean): Argument => ({ kind: 'flag', make: () => value });
const text = (value: string): Argument => ({ kind: 'text', make: () => value });
const walk: Argument = { kind: 'walk', make: () => [2, 2, 2, 1, 2, 1] };
// 2 images of 4 by 3 pixels of 5 channels; each sees 2 by 2 of them.
const window: Argument = {
  kind: 'walk',
  make: () => [2, 5, ...[1, 1, 1, 1, 1, 0], ...[4, 3, 2, 1, 1, 0], ...[3, 3, 2, 1, 1, 1]],
};
const reals: Argument = { kind: 'reals', make: () => [0.5, 0.25] };
const list = (length: Length): Argument => ({
  kind: 'tensors',
  make: () => [values(3), values(5)],
  length,
});
const tensors = list('exact');
const sizes = (...all: number[]): Argument[] => all.map(size);
const sizeList = (...all: number[]): Argument => ({ kind: 'sizes', make: () => [...all] });
// Fields as pairs of a kind and a value.
const descriptor = (fit: boolean, ...all: (readonly [Field, number])[]): Argument => ({
  kind: 'descriptor',
  make: () => Float64Array.from(all, ([, value]) => value),
  length: 'exact',
  fields: all.map(([kind]) => kind),
  fit,
});
const of = (kind: Field, ...all: number[]) => all.map((value) => [kind, value] as const);

// Residual branches of 2 images by 3 tokens of 4 values: hidden 5, or 2 heads. The second takes bf16 products.
const mlpFields = [
  ...[...of('size', 2, 3, 4, 5), ...of('choice', 0), ...of('real', 1e-6)],
  ...[...of('choice', 0), ...of('flag', 0)],
];
const attentionFields = (precision: number) => [
  ...[...of('size', 2, 3, 4, 2), ...of('choice', precision), ...of('real', 1e-6, 0.7)],
  ...of('flag', 0),
];
const tensorList = (...lengths: number[]): Argument => ({
  kind: 'tensors',
  make: () => lengths.map(values),
  length: 'exact',
});
const mlpTensors = [4, 4, 4, 2, 20, 5, 20, 4];
const attentionTensors = [4, 4, 4, 2, 48, 12, 16, 4];
const mlp = [descriptor(true, ...mlpFields), f(24), tensorList(...mlpTensors)];
const attention = [
  ...[descriptor(true, ...attentionFields(1)), f(24)],
  tensorList(...attentionTensors),
];
const attentionShape = (...all: number[]) =>
  descriptor(true, ...of('size', ...all), ...of('real', 0.7));
const adamW = [descriptor(true, ...of('real', 0.9, 0.99, 1e-8, 1)), reals, reals];
// 3 boxes of 2 by 4 pixels out of 2 images, and one box for each image.
const sampleFields = (boxes: number, shared: number) => [
  ...[...of('size', 2, 4, 3, 5, boxes), ...of('flag', 0), ...of('real', 0.5)],
  ...[...of('flag', shared), ...of('size', 2, 4)],
];
const savedOfMlp = 2 * 6 + 6 * 5;
// In panels of 8 columns (portable, which the attacks run on), and in bf16 of 32 by 32.
const packedOfMlp = 4 * 8 + 5 * 8 + 8;
const packedOfAttention = (2 * (32 * 32)) / 2;
const savedOfAttention = 6 * (2 + 2 + 2 * 4);

/** The arguments of a valid call, by the name of the function. */
export const addonCalls: Readonly<Record<string, readonly Argument[]>> = {
  interfaceNumber: [],
  isa: [],
  isas: [],
  setIsa: [text('portable')],
  threads: [],
  setThreads: [choice(2)],
  misalignment: [b(8, 'any')],
  gemm: [
    descriptor(true, ...of('size', 1, 2, 4, 3), ...of('flag', 1, 1, 0, 1), ...of('choice', 0, 1)),
    f(6),
    f(12),
    f(8),
    bias(4),
  ],
  binary: [choice(0), walk, f(4, 'least'), f(4, 'least'), f(4)],
  powerInt: [walk, ints4, ints4, ints(0, 0, 0, 0)],
  compare: [choice(0), walk, f(4, 'least'), f(4, 'least'), b(4)],
  floorDiv: [walk, f(4, 'least'), f(4, 'least'), ints(0, 0, 0, 0)],
  logical: [choice(0), walk, b(4, 'least'), b(4, 'least'), b(4)],
  logicalNot: [b(4), b(4)],
  unary: [choice(0), f(4), f(4), real(0.5)],
  test: [choice(0), f(4), b(4)],
  clip: [f(4), real(0), real(1), f(4)],
  addN: [{ kind: 'tensors', make: () => [values(4), values(4)], length: 'any' }, f(4)],
  cast: [f(4), ints(0, 0, 0, 0)],
  select: [b(4), f(4), f(4), f(4)],
  copy: [walk, f(4, 'least'), size(0), f(4, 'least'), size(0)],
  fill: [real(1), f(4, 'any')],
  reduce: [choice(0), ...sizes(2, 3, 2), f(12), f(4)],
  prod: [...sizes(2, 3, 2), f(12), f(4)],
  reduceInts: [choice(0), ...sizes(1, 3, 1), ints(1, 2, 3), ints(0)],
  reduceBools: [flag(true), ...sizes(2, 3, 2), b(12), b(4)],
  argExtreme: [flag(true), ...sizes(1, 3, 2), f(6), ints(0, 0)],
  scan: [flag(false), flag(false), flag(true), ...sizes(2, 3, 2), f(12), f(12)],
  localResponse: [...sizes(2, 3), choice(1), real(1), real(1), real(0.5), f(6), f(6)],
  localResponseGrad: [
    ...[...sizes(2, 3), choice(1), real(1), real(1), real(0.5)],
    ...[f(6), f(6), f(6), f(6)],
  ],
  fft: [...sizes(2, 3), flag(false), f(6), f(6), f(6), f(6)],
  magnitude: [f(4), f(4), f(4)],
  gather: [...sizes(1, 2, 3, 2, 4), f(12), ints(0, 2, 1, 1), f(16)],
  gatherNd: [sizeList(3, 2), ...sizes(2, 2), f(12), ints(0, 1, 2, 1), f(4)],
  scatter: [
    ...[sizeList(3, 2), ...sizes(2, 2), flag(true), flag(false), flag(true)],
    ...[ints(0, 1, 2, 1), f(4), f(12)],
  ],
  bincount: [...sizes(2, 3, 4), flag(false), ints(0, 1, 2, 3, 0, 1), bias(6), f(8)],
  uniqueSlices: [size(2), size(3), size(2), f(12), ints(0, 0, 0), ints(0, 0, 0)],
  countList: [size(4), ints(0, 1, 2, 3, 0, 1), bias(6), f(4)],
  searchSorted: [...sizes(2, 3, 2), flag(true), f(6), f(4), ints(0, 0, 0, 0)],
  reduceSegments: [
    ...sizes(3, 2, 4, 3),
    flag(true),
    f(6),
    ints(0, 2, 1, 1),
    ints(0, 0, 1, 2),
    f(6),
  ],
  countRows: [...sizes(2, 2, 3), ints(0, 1, 2, 0), ints(0, 0, 0), b(3)],
  fillRows: [
    ...[size(2), ints(0, 1, 2, 0), f(2), f(1), ints(0, 1, 2), b(3)],
    ...[ints(0, 0, 0, 0, 0, 0), f(3), ints(0, 0)],
  ],
  reshapeIndices: [
    ...[size(2), sizeList(2, 3), sizeList(3, 2)],
    ...[ints(0, 1, 1, 2), ints(0, 0, 0, 0)],
  ],
  topK: [...sizes(2, 3, 2), f(6), f(4), ints(0, 0, 0, 0)],
  draw: [...sizes(2, 3), f(6), reals, ints(0, 0, 0, 0)],
  ramp: [real(1), real(0.5), f(4, 'any')],
  oneHot: [size(3), ints(0, 2), real(1), real(0), f(6)],
  softmax: [...sizes(2, 3), f(6), flag(false), f(6)],
  layerNorm: [...sizes(2, 3), f(6), f(3), f(3), real(1e-6), f(6), f(2), f(2)],
  layerNormGrad: [...sizes(2, 3), f(6), f(6), f(3), f(2), f(2), f(6), f(3), f(3)],
  gelu: [choice(0), f(4), f(4)],
  geluGrad: [choice(0), f(4), f(4), f(4)],
  crossEntropy: [flag(false), ...sizes(2, 3), f(6), f(6), f(2), f(6)],
  attention: [attentionShape(1, 2, 3, 5, 2), f(12), f(20), f(20), f(12), f(6)],
  attentionGrad: [
    attentionShape(1, 2, 3, 5, 2),
    f(12),
    f(20),
    f(20),
    f(12),
    f(12),
    f(6),
    f(12),
    f(20),
    f(20),
  ],
  qkvAttention: [attentionShape(1, 2, 3, 3, 2), f(36), f(12), f(6)],
  qkvAttentionGrad: [attentionShape(1, 2, 3, 3, 2), f(36), f(12), f(12), f(6), f(36)],
  branchMemory: [descriptor(false, ...attentionFields(1)), flag(false), flag(false)],
  mlpBranch: [...mlp, bias(packedOfMlp), bias(savedOfMlp), f(24)],
  mlpBranchGrad: [...mlp, f(savedOfMlp), f(24), f(24), tensorList(4, 4, 4, 20, 5, 20, 4)],
  attentionBranch: [...attention, bias(packedOfAttention), bias(savedOfAttention), f(24)],
  attentionBranchGrad: [
    ...attention,
    f(savedOfAttention),
    f(24),
    f(24),
    tensorList(4, 4, 4, 48, 12, 16, 4),
  ],
  // The MLP's branch, then that of attention.
  branchChain: [
    descriptor(true, ...of('flag', 1), ...mlpFields, ...of('flag', 0), ...attentionFields(0)),
    tensorList(...mlpTensors, packedOfMlp, ...attentionTensors, 4 * 16 + 4 * 8),
    ...[f(24), f(24)],
  ],
  adamw: [...adamW, tensors, tensors, tensors, tensors, tensors, tensors, tensors],
  adamwSquares: [...adamW, tensors, tensors, tensors, tensors],
  ema: [tensors, tensors, tensors, real(0.9)],
  sumOfSquares: [list('any')],
  pool: [window, choice(1), f(120), f(90)],
  poolPositions: [
    ...[window, choice(1), flag(false), f(120)],
    ints(...Array.from({ length: 90 }, () => 0)),
  ],
  maxPoolGrad: [window, ints(...Array.from({ length: 90 }, (_, i) => i % 12)), f(90), f(120)],
  meanPoolGrad: [window, real(0.25), f(90), f(120)],
  depthwise: [window, f(120), f(20), bias(5), real(0), real(6), f(90)],
  depthwiseInputGrad: [window, f(90), f(20), f(120)],
  depthwiseFilterGrad: [window, f(120), f(90), f(20)],
  convolve: [window, size(7), f(120), f(140), bias(7), real(0), real(6), f(126)],
  convolveFilterGrad: [window, size(7), f(120), f(126), f(140)],
  sumColumns: [window, f(360), f(120)],
  sample: [
    ...[descriptor(true, ...sampleFields(3, 1)), ints(0, 1, 1), ints(0, 2), ints(1, 3), f(2)],
    ...[ints(0, -1, 1, 2), ints(1, 0, 2, 2), f(4), f(120), f(120)],
  ],
  sampleGrad: [
    ...[descriptor(true, ...sampleFields(2, 1)), ints(0, 2), ints(1, 3), f(2)],
    ...[ints(0, 1, 1, 2), ints(1, 0, 2, 2), f(4), f(80), f(120)],
  ],
  gatherPixels: [...sizes(2, 6, 3, 4), ints(0, 5, -1, 2), f(3), f(36), f(24)],
  normalize: [...sizes(2, 3), f(6), f(3), f(3), bias(3), f(6)],
  transform: [
    descriptor(
      true,
      ...[...of('size', 2, 4, 3, 5, 2, 4), ...of('flag', 1), ...of('choice', 1)],
      ...[...of('real', 0.5), ...of('flag', 0)],
    ),
    ...[f(16), f(120), f(80)],
  ],
  dilate: [window, f(120), f(20), f(90)],
  dilateInputGrad: [window, f(120), f(20), f(90), f(120)],
  dilateFilterGrad: [window, f(120), f(20), f(90), f(20)],
  // 2 candidates of 100 points on 32 by 32 pixels, then a picture of 100 points of one map.
  fractalScan: [
    descriptor(true, ...of('size', 2), ...of('real', 0, 1, 16, 100, 32, 6, 10, 1e30)),
    { kind: 'ints', make: () => new Int32Array(625), length: 'exact' },
    ...[ints(0, 0, 0, 0), doubles(2 * 49)],
  ],
  fractalLayout: [
    descriptor(true, ...of('size', 100, 32), ...of('real', 6), ...of('flag', 1)),
    ...[doubles(8, 'least'), b(99)],
    { kind: 'ints', make: () => new Int32Array(32 * 32), length: 'exact' },
    { kind: 'ints', make: () => new Int32Array(32 * 32), length: 'exact' },
  ],
  // 2 rows of 4 pixels become rows of 3, columns of 4 become columns of 3, and a map of 4 by 2 pixels.
  resampleRows: [
    descriptor(true, ...of('size', 2, 4, 3, 3, 2)),
    ...[b(24), ints(0, 1, 2), ints(1, 2, 3, 4, 5, 6), b(18)],
  ],
  resampleColumns: [
    descriptor(true, ...of('size', 4, 5, 3, 2)),
    ...[b(20), ints(0, 1, 2), ints(1, 2, 3, 4, 5, 6), b(15)],
  ],
  mapPixels: [
    descriptor(true, ...of('size', 4, 2, 3), ...of('flag', 1), ...of('real', 1, 0.1, 0, 0.1, 1, 0)),
    ...[b(24), b(24)],
  ],
  nonMaxSuppression: [f(12), f(3), real(0.5), real(0), real(-1), ints(0, 0, 0), bias(3)],
};
