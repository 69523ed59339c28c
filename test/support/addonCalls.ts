// A valid call of every function of the native addon, small, as kinds of arguments: from these the tests of the entry points derive
// the invalid ones. A function without a call here fails the test.

/** Whether an array or a list must have just the length of the valid call, at least that, or may have any. */
export type Length = 'exact' | 'least' | 'any';

/** An argument and what it is. Sizes that `fit` are those of arrays: no others will do. */
export type Argument =
  | { kind: 'floats'; make: () => Float32Array; length: Length }
  | { kind: 'bytes'; make: () => Uint8Array; length: Length }
  | { kind: 'ints'; make: () => Int32Array; length: Length }
  | { kind: 'bias'; make: () => Float32Array; length: Length }
  | { kind: 'size'; make: () => number }
  | { kind: 'choice'; make: () => number }
  | { kind: 'real'; make: () => number }
  | { kind: 'flag'; make: () => boolean }
  | { kind: 'text'; make: () => string }
  | { kind: 'walk'; make: () => number[] }
  | { kind: 'reals'; make: () => number[] }
  | { kind: 'sizes'; make: () => number[]; fit: boolean }
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
const sizeList = (fit: boolean, ...all: number[]): Argument => ({
  kind: 'sizes',
  make: () => [...all],
  fit,
});

// Of residual branches of 2 images by 3 tokens of 4 values: hidden 5, or 2 heads. The second takes bf16 products.
const mlp = [
  ...[sizeList(true, 2, 3, 4, 5, 0), real(1e-6), choice(0)],
  ...[f(24), f(4), f(4), bias(4), bias(2), f(20), bias(5), f(20), bias(4)],
];
const attention = [
  ...[sizeList(true, 2, 3, 4, 2, 1), real(1e-6), real(0.7)],
  ...[f(24), f(4), f(4), bias(4), bias(2), f(48), bias(12), f(16), bias(4)],
];
const savedOfMlp = 2 * 6 + 6 * 5;
// In panels of 8 columns (portable, which the attacks run on), and in bf16 of 32 by 32.
const packedOfMlp = 4 * 8 + 5 * 8 + 8;
const packedOfAttention = (2 * (32 * 32)) / 2;
const savedOfAttention = 6 * (2 + 2 + 2 * 4);

/** The arguments of a valid call, by the name of the function. */
export const addonCalls: Readonly<Record<string, readonly Argument[]>> = {
  isa: [],
  isas: [],
  setIsa: [text('portable')],
  threads: [],
  setThreads: [choice(2)],
  misalignment: [b(8, 'any')],
  gemm: [
    ...[f(6), f(12), f(8)],
    ...sizes(1, 2, 4, 3),
    ...[flag(true), flag(true), flag(false), flag(true), bias(4), choice(0), choice(1)],
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
  product: [...sizes(2, 3, 2), f(12), f(4)],
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
  gatherNd: [sizeList(true, 3, 2), ...sizes(2, 2), f(12), ints(0, 1, 2, 1), f(4)],
  scatter: [
    ...[sizeList(true, 3, 2), ...sizes(2, 2), flag(true), flag(false), flag(true)],
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
    ...[size(2), sizeList(true, 2, 3), sizeList(true, 3, 2)],
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
  attention: [f(12), f(20), f(20), ...sizes(1, 2, 3, 5, 2), real(0.7), f(12), f(6)],
  attentionGrad: [
    ...[f(12), f(20), f(20), ...sizes(1, 2, 3, 5, 2), real(0.7)],
    ...[f(12), f(12), f(6), f(12), f(20), f(20)],
  ],
  qkvAttention: [f(36), ...sizes(1, 2, 3, 3, 2), real(0.7), f(12), f(6)],
  qkvAttentionGrad: [f(36), ...sizes(1, 2, 3, 3, 2), real(0.7), f(12), f(12), f(6), f(36)],
  branchMemory: [sizeList(false, 2, 3, 4, 2, 1), flag(false), flag(false)],
  mlpBranch: [...mlp, bias(savedOfMlp), f(24), bias(packedOfMlp), flag(false)],
  mlpBranchGrad: [
    ...[...mlp, f(savedOfMlp), f(24)],
    ...[f(24), f(4), f(4), f(4), f(20), f(5), f(20), f(4)],
  ],
  attentionBranch: [
    ...attention,
    bias(savedOfAttention),
    f(24),
    bias(packedOfAttention),
    flag(false),
  ],
  attentionBranchGrad: [
    ...[...attention, f(savedOfAttention), f(24)],
    ...[f(24), f(4), f(4), f(4), f(48), f(12), f(16), f(4)],
  ],
  // The MLP's branch, then that of attention.
  branchChain: [
    sizeList(true, ...[2, 3, 4, 5, 0, 1, 0], ...[2, 3, 4, 2, 0, 0, 0]),
    { kind: 'reals', make: () => [1e-6, 0, 1e-6, 0.7] },
    {
      kind: 'tensors',
      make: () =>
        [4, 4, 4, 2, 20, 5, 20, 4, packedOfMlp, 4, 4, 4, 2, 48, 12, 16, 4, 4 * 16 + 4 * 8].map(
          values,
        ),
      length: 'exact',
    },
    f(24),
    f(24),
  ],
  adamw: [
    ...[tensors, tensors, tensors, tensors, tensors, tensors, tensors, reals, reals],
    ...[real(0.9), real(0.99), real(1e-8), real(1)],
  ],
  adamwSquares: [
    ...[tensors, tensors, tensors, tensors, reals, reals],
    ...[real(0.9), real(0.99), real(1e-8), real(1)],
  ],
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
  // 3 boxes of 2 by 4 pixels out of 2 images.
  sample: [
    ...[...sizes(2, 4, 3, 5, 3), flag(false), real(0.5), ints(0, 1, 1), flag(true), ...sizes(2, 4)],
    ...[ints(0, 2), ints(1, 3), f(2), ints(0, -1, 1, 2), ints(1, 0, 2, 2), f(4), f(120), f(120)],
  ],
  sampleGrad: [
    ...[...sizes(2, 4, 3, 5), flag(false), flag(true), ...sizes(2, 4)],
    ...[ints(0, 2), ints(1, 3), f(2), ints(0, 1, 1, 2), ints(1, 0, 2, 2), f(4), f(80), f(120)],
  ],
  pick: [...sizes(2, 6, 3, 4), ints(0, 5, -1, 2), f(3), f(36), f(24)],
  normalize: [...sizes(2, 3), f(6), f(3), f(3), bias(3), f(6)],
  transform: [
    ...[...sizes(2, 4, 3, 5, 2, 4), flag(true), choice(1), real(0.5), flag(false)],
    ...[f(16), f(120), f(80)],
  ],
  dilate: [window, f(120), f(20), f(90)],
  dilateInputGrad: [window, f(120), f(20), f(90), f(120)],
  dilateFilterGrad: [window, f(120), f(20), f(90), f(20)],
  suppress: [f(12), f(3), real(0.5), real(0), real(-1), ints(0, 0, 0), bias(3)],
};
