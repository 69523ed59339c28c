// The rows of the op table in bf16. Finite differences of a rounded function say nothing about its gradient, so these rows bring
// the formula of the gradient, and the fp32 form that the result must be near to.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../lib/core/check.ts';
import type { GeluForm } from '../../lib/core/kernels.ts';
import type { Precision } from '../../lib/core/precision.ts';
import { scaledDotProductAttention } from '../../lib/ops/attention.ts';
import { linear } from '../../lib/ops/linear.ts';
import { qkvAttention } from '../../lib/ops/qkvAttention.ts';
import { roundBf16 } from '../../lib/ops/roundBf16.ts';
import * as rounded from '../support/exactBf16.ts';
import type { Exact } from '../support/exactOps.ts';
import {
  row,
  spec,
  type Bf16Form,
  type OpCase,
  type Specs,
  type TensorsOf,
} from '../support/opCase.ts';

const normal = (std = 1) => spec((rng) => rng.normal(0, std));

interface Form<S extends Specs> {
  run: (x: TensorsOf<S>, precision: Precision) => tf.Tensor;
  formula: (x: { [K in keyof S]: Exact }, dOut: ArrayLike<number>) => rounded.Passed;
  terms: number;
  flops: number;
  roundsResults: boolean;
}

function bf16Row<S extends Specs>(
  name: string,
  inputs: S,
  { run, formula, terms, flops, roundsResults }: Form<S>,
): OpCase {
  const bf16 = {
    fp32: (x: TensorsOf<S>) => run(x, 'fp32'),
    formula,
    roundsResults,
  } as unknown as Bf16Form;
  const inBf16 = row(`${name} in bf16`, inputs, {
    run: (x) => run(x, 'bf16'),
    exact: (x) => formula(x, { length: 0 }).out,
    reasons: { terms },
    flops,
  });
  return { ...inBf16, bf16 };
}

function linearRow(
  shape: [number, number, number],
  outSize: number,
  activation: 'none' | GeluForm = 'none',
): OpCase {
  const [batch, tokens, size] = shape;
  const inputs = {
    x: normal()<3>(...shape),
    weight: normal(size ** -0.5)<2>(outSize, size),
    bias: normal()<1>(outSize),
  };
  return bf16Row(`linear ${activation} [${shape}] → ${outSize}`, inputs, {
    run: ({ x, weight, bias }, precision) => linear(x, weight, bias, { activation, precision }),
    formula: (x, dOut) => rounded.linear(x, dOut, activation === 'none' ? undefined : activation),
    terms: Math.max(size, outSize, batch * tokens),
    flops: 2 * batch * tokens * size * outSize,
    roundsResults: activation !== 'none',
  });
}

function attentionRow(shape: [number, number, number, number], keys: number, open = false): OpCase {
  const [batch, heads, queries, headDim] = shape;
  const inputs = {
    q: normal()<4>(...shape),
    k: normal()<4>(batch, heads, keys, headDim),
    v: normal()<4>(batch, heads, keys, headDim),
  };
  const name = `attention ${open ? 'and probabilities ' : ''}[${shape}] over ${keys}`;
  return bf16Row(name, inputs, {
    run: ({ q, k, v }, precision) => {
      const result = scaledDotProductAttention(q, k, v, { probabilities: open, precision });
      if (!open) return result.out;
      return tf.concat([tf.reshape(result.out, [-1]), tf.reshape(result.probabilities!, [-1])]);
    },
    formula: (x, dOut) => rounded.attention(x, dOut, { open }),
    terms: Math.max(queries, keys, headDim),
    flops: 4 * batch * heads * queries * keys * headDim,
    roundsResults: true,
  });
}

function qkvRow(shape: [number, number, number], numHeads: number): OpCase {
  const [batch, tokens, packed] = shape;
  const inputs = { qkv: normal()<3>(...shape) };
  return bf16Row(`qkvAttention [${shape}] ${numHeads} heads`, inputs, {
    run: ({ qkv }, precision) => qkvAttention(qkv, { numHeads, precision }),
    formula: ({ qkv }, dOut) => rounded.qkvAttention(qkv, numHeads, dOut),
    terms: Math.max(tokens, packed / 3),
    flops: 4 * batch * tokens * tokens * (packed / 3),
    roundsResults: true,
  });
}

/** Every row in bf16. */
export const bf16Cases: readonly OpCase[] = [
  bf16Row(
    'roundBf16 [3,17,5]',
    { x: normal(100)<3>(3, 17, 5) },
    {
      run: ({ x }, precision) => (precision === 'bf16' ? roundBf16(x) : tf.mul(x, 1)),
      formula: ({ x: { data, shape } }, dOut) => ({
        out: data.map(rounded.bf16),
        gradients: { x: Float64Array.from({ length: sizeOf(shape) }, (_, i) => dOut[i]!) },
      }),
      terms: 1,
      flops: 3 * 17 * 5,
      roundsResults: false,
    },
  ),
  linearRow([3, 17, 65], 33),
  linearRow([1, 197, 192], 33, 'erf'),
  linearRow([3, 17, 65], 33, 'tanh'),
  attentionRow([3, 2, 17, 8], 17),
  attentionRow([1, 1, 65, 64], 197),
  attentionRow([3, 2, 17, 8], 17, true),
  qkvRow([3, 17, 3 * 36], 3),
  qkvRow([1, 1, 3], 1),
];
