// The rows of the op table for whole residual branches.

import { sizeOf } from '../../lib/core/check.ts';
import type { GeluForm } from '../../lib/core/kernels.ts';
import { attentionBranch } from '../../lib/ops/attentionBranch.ts';
import { mlpBranch } from '../../lib/ops/mlpBranch.ts';
import * as exact from '../support/exactOps.ts';
import type { Exact } from '../support/exactOps.ts';
import { row, spec, type OpCase } from '../support/opCase.ts';

const normal = (std = 1, mean = 0) => spec((rng) => rng.normal(mean, std));
const gain = spec((rng) => (rng.bernoulli(0.7) ? 1.25 : 0), true);
type Shape = [number, number, number];

// The inputs that both branches share, with all of the optional ones or none.
function outer([batch, , dim]: Shape) {
  return {
    gamma: normal(0.2, 1)<1>(dim),
    beta: normal(0.2)<1>(dim),
    scale: normal(0.2, 1)<1>(dim),
    keep: gain<1>(batch),
  };
}

// x + keep·scale·inner, element by element.
function added(x: Exact, inner: Float64Array, scale?: Exact, keep?: Exact): Float64Array {
  const [batch, , dim] = x.shape as Shape;
  const each = x.data.length / batch;
  return x.data.map(
    (v, i) => v + inner[i]! * (scale?.data[i % dim] ?? 1) * (keep?.data[Math.floor(i / each)] ?? 1),
  );
}

function mlpRow(shape: Shape, hidden: number, activation: GeluForm, optional: boolean): OpCase {
  const dim = shape[2];
  const { gamma, beta, scale, keep } = outer(shape);
  const plain = {
    x: normal()<3>(...shape),
    gamma,
    beta,
    fc1: normal(dim ** -0.5)<2>(hidden, dim),
    fc2: normal(hidden ** -0.5)<2>(dim, hidden),
  };
  const rest = { bias1: normal()<1>(hidden), bias2: normal()<1>(dim), scale, keep };
  const exactly = (x: Record<string, Exact> & Record<keyof typeof plain, Exact>) => {
    const normed = { shape, data: exact.layerNorm(x.x, x.gamma, x.beta, 1e-6) };
    const h = exact.linear(normed, x.fc1, x['bias1'], exact.gelu[activation]);
    const inner = exact.linear(
      { shape: [shape[0] * shape[1], hidden], data: h },
      x.fc2,
      x['bias2'],
    );
    return added(x.x, inner, x['scale'], x['keep']);
  };
  const terms = Math.max(dim, hidden, shape[0] * shape[1]);
  const shared = { reasons: { terms, gain: 4 }, flops: 4 * sizeOf(shape) * hidden };
  const name = `mlpBranch ${activation} [${shape}] by ${hidden}`;
  const inputs: typeof plain = optional ? { ...plain, ...rest } : plain;
  return row(optional ? name : `${name}, plain`, inputs, {
    run: (x) => mlpBranch(x, { activation }),
    exact: exactly,
    ...shared,
  });
}

function attentionRow(shape: Shape, numHeads: number, optional: boolean): OpCase {
  const [batch, tokens, dim] = shape;
  const { gamma, beta, scale, keep } = outer(shape);
  const plain = {
    x: normal()<3>(...shape),
    gamma,
    beta,
    qkv: normal(dim ** -0.5)<2>(3 * dim, dim),
    proj: normal(dim ** -0.5)<2>(dim, dim),
  };
  const rest = { qkvBias: normal()<1>(3 * dim), projBias: normal()<1>(dim), scale, keep };
  const exactly = (x: Record<string, Exact> & Record<keyof typeof plain, Exact>) => {
    const normed = { shape, data: exact.layerNorm(x.x, x.gamma, x.beta, 1e-6) };
    const qkv = exact.linear(normed, x.qkv, x['qkvBias']);
    const packed = { shape: [batch, tokens, 3 * dim], data: qkv };
    const mixed = exact.qkvAttention(packed, numHeads, (dim / numHeads) ** -0.5);
    const inner = exact.linear({ shape, data: mixed }, x.proj, x['projBias']);
    return added(x.x, inner, x['scale'], x['keep']);
  };
  const products = 2 * sizeOf(shape) * (4 * dim + 2 * tokens);
  const shared = {
    reasons: { terms: Math.max(3 * dim, batch * tokens), gain: 8 },
    flops: products,
  };
  const name = `attentionBranch [${shape}] ${numHeads} heads`;
  const inputs: typeof plain = optional ? { ...plain, ...rest } : plain;
  return row(optional ? name : `${name}, plain`, inputs, {
    run: (x) => attentionBranch(x, { numHeads }),
    exact: exactly,
    ...shared,
  });
}

/** Rows of the table of ops. */
export const branchCases: readonly OpCase[] = [
  mlpRow([2, 17, 12], 20, 'erf', true),
  mlpRow([3, 5, 16], 24, 'tanh', false),
  mlpRow([1, 7, 8], 600, 'quick', true),
  attentionRow([2, 17, 12], 2, true),
  attentionRow([9, 5, 16], 4, false),
  attentionRow([1, 65, 8], 1, true),
];
