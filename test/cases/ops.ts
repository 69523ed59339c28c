// The table of op cases. Each row gives a parity test of every backend with the reference, a test of the forward pass and the
// gradient against float64 loops, and a line of the bench.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../lib/core/check.ts';
import type { GeluForm } from '../../lib/core/kernels.ts';
import { adamW, adamWNorm } from '../../lib/ops/adamW.ts';
import { scaledDotProductAttention } from '../../lib/ops/attention.ts';
import { batchNorm } from '../../lib/ops/batchNorm.ts';
import { binaryCrossEntropy } from '../../lib/ops/binaryCrossEntropy.ts';
import { dropout } from '../../lib/ops/dropout.ts';
import { dropPath } from '../../lib/ops/dropPath.ts';
import { ema } from '../../lib/ops/ema.ts';
import { gelu } from '../../lib/ops/gelu.ts';
import { globalNorm } from '../../lib/ops/globalNorm.ts';
import { layerNorm } from '../../lib/ops/layerNorm.ts';
import { linear } from '../../lib/ops/linear.ts';
import { patchify, unpatchify } from '../../lib/ops/patchify.ts';
import { qkvAttention } from '../../lib/ops/qkvAttention.ts';
import { repeatForBatch } from '../../lib/ops/repeatForBatch.ts';
import type { ResampleMethod } from '../../lib/ops/resampleMatrix.ts';
import { resamplePosEmbed } from '../../lib/ops/resamplePosEmbed.ts';
import { softmaxCrossEntropy } from '../../lib/ops/softmaxCrossEntropy.ts';
import * as exact from '../support/exactOps.ts';
import type { Exact } from '../support/exactOps.ts';
import { bf16Cases } from './bf16Ops.ts';
import { row, spec, type InputSpec, type OpCase } from '../support/opCase.ts';
import { branchCases } from './branchOps.ts';
import { variantCases } from './variantOps.ts';

const normal = (std = 1, mean = 0) => spec((rng) => rng.normal(mean, std));
const uniform = (low: number, high: number) => spec((rng) => rng.uniform(low, high));
const mask = (keep: number) => spec((rng) => (rng.bernoulli(keep) ? 1 : 0), true);
const fixed = (low: number, high: number) => spec((rng) => rng.uniform(low, high), true);

const sideBySide = (...tensors: (tf.Tensor | undefined)[]): tf.Tensor =>
  tf.concat(tensors.map((tensor) => tf.reshape(tensor!, [-1])));
const joined = (...arrays: Float64Array[]): Float64Array =>
  Float64Array.from(arrays.flatMap((array) => [...array]));

function linearRow(
  shape: [number, number, number],
  outSize: number,
  activation: 'none' | GeluForm = 'none',
): OpCase {
  const [batch, tokens, size] = shape;
  const w = normal(size ** -0.5);
  const inputs = {
    x: normal()<3>(...shape),
    weight: w<2>(outSize, size),
    bias: normal()<1>(outSize),
  };
  return row(`linear ${activation} [${shape}] → ${outSize}`, inputs, {
    run: ({ x, weight, bias }) => linear(x, weight, bias, { activation }),
    exact: ({ x, weight, bias }) =>
      exact.linear(x, weight, bias, activation === 'none' ? undefined : exact.gelu[activation]),
    reasons: { terms: Math.max(size, outSize, batch * tokens) },
    flops: 2 * batch * tokens * size * outSize,
  });
}

function layerNormRow(shape: [number, number, number], offset = 0): OpCase {
  const size = shape[2];
  const inputs = {
    x: normal(1, offset)<3>(...shape),
    gamma: normal()<1>(size),
    beta: normal()<1>(size),
  };
  return row(`layerNorm [${shape}] mean ${offset}`, inputs, {
    run: ({ x, gamma, beta }) => layerNorm(x, gamma, beta, { epsilon: 1e-6 }),
    exact: ({ x, gamma, beta }) => exact.layerNorm(x, gamma, beta, 1e-6),
    // The mean is known to eps·|offset|, and the result depends on the deviation from it.
    reasons: { terms: Math.max(size, shape[0] * shape[1]), gain: Math.max(1, offset) },
    flops: 8 * sizeOf(shape),
  });
}

function batchNormRow(shape: [number, number, number, number], offset = 0): OpCase {
  const size = shape[3];
  const inputs = {
    x: normal(1, offset)<4>(...shape),
    gamma: normal()<1>(size),
    beta: normal()<1>(size),
  };
  return row(`batchNorm [${shape}] mean ${offset}`, inputs, {
    run: ({ x, gamma, beta }) => batchNorm(x, gamma, beta).y,
    exact: ({ x, gamma, beta }) => exact.batchNorm(x, gamma, beta, 1e-5),
    // The mean is known to eps·|offset|, and the result depends on the deviation from it.
    reasons: { terms: sizeOf(shape) / size, gain: Math.max(1, offset) },
    flops: 8 * sizeOf(shape),
  });
}

function geluRow(form: GeluForm): OpCase {
  return row(
    `gelu ${form} [3,17,65]`,
    { x: uniform(-8, 8)<3>(3, 17, 65) },
    {
      run: ({ x }) => gelu(x, { form }),
      exact: ({ x }) => x.data.map(exact.gelu[form]),
      reasons: {},
      flops: 10 * 3 * 17 * 65,
    },
  );
}

function attentionRow(
  [batch, heads, queries, headDim]: [number, number, number, number],
  keys: number,
  { std = 1, probabilities = false } = {},
): OpCase {
  const q = normal(std)<4>(batch, heads, queries, headDim);
  const [k, v] = [normal(std), normal()].map((make) => make<4>(batch, heads, keys, headDim)) as [
    InputSpec<4>,
    InputSpec<4>,
  ];
  const scale = headDim ** -0.5;
  const shape = `[${[batch, heads, queries, headDim]}] over ${keys}`;
  return row(
    `attention ${probabilities ? 'and probabilities ' : ''}${shape} std ${std}`,
    { q, k, v },
    {
      run: (x) => {
        const result = scaledDotProductAttention(x.q, x.k, x.v, { probabilities });
        return probabilities ? sideBySide(result.out, result.probabilities) : result.out;
      },
      exact: (x) => {
        const result = exact.attention(x.q, x.k, x.v, scale);
        return probabilities ? joined(result.out, result.probabilities) : result.out;
      },
      // exp turns an absolute error of a logit, of size std², into a relative one.
      reasons: { terms: Math.max(queries, keys, headDim), gain: Math.max(1, std ** 2) },
      flops: 4 * batch * heads * queries * keys * headDim,
    },
  );
}

function qkvRow(shape: [number, number, number], numHeads: number): OpCase {
  const [batch, tokens, packed] = shape;
  return row(
    `qkvAttention [${shape}] ${numHeads} heads`,
    { qkv: normal()<3>(...shape) },
    {
      run: ({ qkv }) => qkvAttention(qkv, { numHeads }),
      exact: ({ qkv }) => exact.qkvAttention(qkv, numHeads, (packed / 3 / numHeads) ** -0.5),
      reasons: { terms: Math.max(tokens, packed / 3) },
      flops: 4 * batch * tokens * tokens * (packed / 3),
    },
  );
}

function lossRow(kind: 'softmax' | 'binary', [rows, classes]: [number, number], std = 1): OpCase {
  const inputs = {
    logits: normal(std)<2>(rows, classes),
    targets: uniform(0, 1)<2>(rows, classes),
  };
  return row(`${kind}CrossEntropy [${[rows, classes]}] std ${std}`, inputs, {
    run: ({ logits, targets }) =>
      kind === 'softmax'
        ? softmaxCrossEntropy(logits, targets)
        : binaryCrossEntropy(logits, targets),
    exact: ({ logits, targets }) =>
      kind === 'softmax'
        ? exact.softmaxCrossEntropy(logits, targets)
        : exact.binaryCrossEntropy(logits, targets),
    reasons: { terms: classes },
    flops: 8 * rows * classes,
  });
}

function resampleRow(
  from: [number, number],
  to: [number, number],
  method: ResampleMethod,
  antialias: boolean,
): OpCase {
  const taps =
    method === 'bilinear'
      ? (antialias ? exact.areaTaps : exact.pointTaps)(undefined)
      : antialias
        ? exact.areaTaps(-0.5)
        : exact.pointTaps(-0.75);
  return row(
    `resamplePosEmbed ${method}${antialias ? ' antialias' : ''} [${from}] → [${to}]`,
    { x: normal()<3>(1, from[0] * from[1], 5) },
    {
      run: ({ x }) => resamplePosEmbed(x, { from, to, method, antialias }),
      exact: ({ x }) => exact.resample(x, from, to, taps),
      reasons: { terms: from[0] * from[1] },
      flops: 2 * 5 * to[0] * from[1] * (from[0] + to[1]),
    },
  );
}

const adamOptions = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, step: 3 };
const adamInputs = {
  p: spec((rng) => rng.normal(), true)<2>(17, 5),
  g: spec((rng) => rng.normal(0, 0.1), true)<2>(17, 5),
  m: spec((rng) => rng.normal(0, 0.1), true)<2>(17, 5),
  v: fixed(1e-4, 1e-2)<2>(17, 5),
  p1: spec((rng) => rng.normal(), true)<1>(7),
  g1: spec((rng) => rng.normal(0, 0.1), true)<1>(7),
  m1: spec((rng) => rng.normal(0, 0.1), true)<1>(7),
  v1: fixed(1e-4, 1e-2)<1>(7),
};

type Adam<T> = Record<keyof typeof adamInputs, T>;

function adamArguments({ p, g, m, v, p1, g1, m1, v1 }: Adam<tf.Tensor>) {
  const tensors = {
    parameters: [p, p1],
    gradients: [g, g1],
    firstMoments: [m, m1],
    secondMoments: [v, v1],
  };
  const rates = { learningRate: [1e-2, 3e-3], weightDecay: [0.05, 0] };
  return [tensors, { ...adamOptions, ...rates }] as const;
}
const exactAdam = ({ p, g, m, v, p1, g1, m1, v1 }: Adam<Exact>): Float64Array =>
  joined(
    exact.adamW([p, g, m, v], { ...adamOptions, lr: 1e-2, decay: 0.05 }),
    exact.adamW([p1, g1, m1, v1], { ...adamOptions, lr: 3e-3, decay: 0 }),
  );

/** Every row; its inputs are drawn from a stream of its name. */
export const opCases: readonly OpCase[] = [
  linearRow([3, 17, 65], 33),
  linearRow([1, 197, 192], 65),
  linearRow([3, 17, 65], 33, 'erf'),
  linearRow([3, 17, 65], 33, 'tanh'),
  linearRow([1, 197, 192], 33, 'erf'),
  linearRow([1, 1, 1], 1, 'quick'),
  row(
    'linear without bias [17,192] → 10',
    { x: normal()<2>(17, 192), weight: normal(0.1)<2>(10, 192) },
    {
      run: ({ x, weight }) => linear(x, weight),
      exact: ({ x, weight }) => exact.linear(x, weight),
      reasons: { terms: 192 },
      flops: 2 * 17 * 192 * 10,
    },
  ),
  layerNormRow([3, 17, 65]),
  layerNormRow([1, 197, 192]),
  layerNormRow([3, 17, 192], 100),
  layerNormRow([1, 1, 7]),
  batchNormRow([3, 5, 4, 17]),
  batchNormRow([2, 3, 3, 8], 100),
  batchNormRow([5, 1, 1, 3]),
  ...variantCases,
  geluRow('erf'),
  geluRow('tanh'),
  geluRow('quick'),
  attentionRow([3, 2, 17, 8], 17),
  attentionRow([1, 1, 197, 64], 197),
  attentionRow([3, 1, 5, 7], 17),
  attentionRow([1, 2, 17, 16], 17, { std: 6 }),
  attentionRow([3, 2, 17, 8], 17, { probabilities: true }),
  qkvRow([3, 17, 3 * 36], 3),
  qkvRow([1, 197, 3 * 48], 3),
  qkvRow([1, 1, 3], 1),
  lossRow('softmax', [3, 10]),
  lossRow('softmax', [17, 1000]),
  lossRow('softmax', [3, 10], 1e4),
  lossRow('binary', [3, 10]),
  lossRow('binary', [17, 1000]),
  lossRow('binary', [3, 10], 1e4),
  row(
    'patchify [3,4,9,3] 2×3',
    { x: normal()<4>(3, 4, 9, 3) },
    {
      run: ({ x }) => patchify(x, { patchHeight: 2, patchWidth: 3 }),
      exact: ({ x }) => exact.patchify(x, 2, 3),
      reasons: {},
      flops: 0,
    },
  ),
  row(
    'patchify [1,28,28,1] 7×7',
    { x: normal()<4>(1, 28, 28, 1) },
    {
      run: ({ x }) => patchify(x, { patchHeight: 7, patchWidth: 7 }),
      exact: ({ x }) => exact.patchify(x, 7, 7),
      reasons: {},
      flops: 0,
    },
  ),
  row(
    'unpatchify ∘ patchify [3,4,9,3]',
    { x: normal()<4>(3, 4, 9, 3) },
    {
      run: ({ x }) => {
        const patch = { patchHeight: 2, patchWidth: 3 };
        return unpatchify(patchify(x, patch), { ...patch, imageHeight: 4, imageWidth: 9 });
      },
      exact: ({ x }) => x.data,
      reasons: {},
      flops: 0,
    },
  ),
  row(
    'dropPath [5,17,3] rate 0.3',
    { x: normal()<3>(5, 17, 3), keep: mask(0.7)<1>(5) },
    {
      run: ({ x, keep }) => dropPath(x, keep, 0.3),
      exact: ({ x, keep }) => x.data.map((v, i) => (v * keep.data[Math.floor(i / 51)]!) / 0.7),
      reasons: {},
      flops: 5 * 17 * 3,
    },
  ),
  row(
    'dropout [3,17,5] rate 0.1',
    { x: normal()<3>(3, 17, 5), keep: mask(0.9)<3>(3, 17, 5) },
    {
      run: ({ x, keep }) => dropout(x, keep, 0.1),
      exact: ({ x, keep }) => x.data.map((v, i) => (v * keep.data[i]!) / 0.9),
      reasons: {},
      flops: 3 * 17 * 5,
    },
  ),
  resampleRow([4, 6], [7, 5], 'bicubic', true),
  resampleRow([8, 8], [3, 3], 'bicubic', true),
  resampleRow([4, 6], [7, 5], 'bicubic', false),
  resampleRow([8, 1], [3, 2], 'bicubic', false),
  resampleRow([4, 6], [7, 5], 'bilinear', true),
  resampleRow([9, 7], [4, 2], 'bilinear', true),
  resampleRow([4, 6], [7, 3], 'bilinear', false),
  row('adamW of two tensors', adamInputs, {
    run: (x) => {
      const out = adamW(...adamArguments(x));
      const lists = [out.parameters, out.firstMoments, out.secondMoments];
      return sideBySide(...lists.map((list) => list[0]), ...lists.map((list) => list[1]));
    },
    exact: exactAdam,
    reasons: {},
    flops: 15 * (17 * 5 + 7),
  }),
  row('adamWNorm of two tensors', adamInputs, {
    run: (x) => adamWNorm(...adamArguments(x)),
    exact: (x) => {
      const data = exactAdam(x);
      return Float64Array.of(exact.norm([{ shape: [data.length], data }]));
    },
    reasons: { terms: 3 * (17 * 5 + 7) },
    flops: 20 * (17 * 5 + 7),
  }),
  row(
    'ema of two tensors',
    {
      a: fixed(-1, 1)<2>(17, 5),
      b: fixed(-1, 1)<1>(7),
      x: fixed(-1, 1)<2>(17, 5),
      y: fixed(-1, 1)<1>(7),
    },
    {
      run: ({ a, b, x, y }) => sideBySide(...ema([a, b], [x, y], { decay: 0.998 })),
      exact: ({ a, b, x, y }) => {
        const mix = (old: Exact, value: Exact): Float64Array =>
          old.data.map((v, i) => 0.998 * v + (1 - 0.998) * value.data[i]!);
        return joined(mix(a, x), mix(b, y));
      },
      reasons: {},
      flops: 3 * (17 * 5 + 7),
    },
  ),
  row(
    'globalNorm of three tensors',
    { a: fixed(-3, 3)<2>(197, 192), b: fixed(-1, 1)<1>(7), c: fixed(2, 3)<1>(1) },
    {
      run: ({ a, b, c }) => globalNorm([a, b, c]),
      exact: ({ a, b, c }) => Float64Array.of(exact.norm([a, b, c])),
      reasons: { terms: 197 * 192 },
      flops: 2 * 197 * 192,
    },
  ),
  row(
    'repeatForBatch [1,3,5] to 4',
    { x: normal()<3>(1, 3, 5) },
    {
      run: ({ x }) => repeatForBatch(x, 4),
      exact: ({ x }) => joined(x.data, x.data, x.data, x.data),
      reasons: { terms: 4 },
      flops: 0,
    },
  ),
  ...branchCases,
  ...bf16Cases,
];

/** Rows of the sizes of training (ViT-Ti/16 at 224 pixels, B = 8) for the bench; float64 loops would be too slow for them. */
export const benchCases: readonly OpCase[] = [
  linearRow([8, 197, 192], 576),
  linearRow([8, 197, 192], 768, 'erf'),
  linearRow([8, 197, 768], 192),
  layerNormRow([8, 197, 192]),
  attentionRow([8, 3, 197, 64], 197),
  qkvRow([8, 197, 3 * 192], 3),
  lossRow('softmax', [64, 1000]),
];
