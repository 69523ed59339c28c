// Residual branches of many shapes with random inputs.

import * as tf from '@tensorflow/tfjs';
import type { Precision } from '../../lib/core/precision.ts';
import { Rng } from '../../lib/core/rng.ts';
import { attentionBranch } from '../../lib/ops/attentionBranch.ts';
import { mlpBranch } from '../../lib/ops/mlpBranch.ts';

type Inputs = Record<string, tf.Tensor>;
type Values = Record<string, { shape: number[]; data: Float32Array }>;
/** The two residual branches. */
export type BranchKind = 'mlp' | 'attention';
/** A branch of a size; `inner`: hidden columns (MLP) or heads. */
export interface BranchCase {
  branch: BranchKind;
  shape: [number, number, number];
  inner: number;
  optional: boolean;
}

/** Cases in which a task takes whole images, and cases in which tasks split rows and heads. */
export const branchCases: BranchCase[] = [
  { branch: 'mlp', shape: [3, 5, 8], inner: 32, optional: false },
  { branch: 'mlp', shape: [2, 17, 12], inner: 1, optional: true },
  { branch: 'mlp', shape: [1, 130, 12], inner: 1100, optional: true },
  { branch: 'mlp', shape: [17, 60, 8], inner: 24, optional: true },
  { branch: 'attention', shape: [3, 5, 8], inner: 2, optional: false },
  { branch: 'attention', shape: [2, 17, 12], inner: 3, optional: true },
  { branch: 'attention', shape: [1, 270, 8], inner: 2, optional: true },
  { branch: 'attention', shape: [17, 60, 8], inner: 2, optional: true },
  { branch: 'attention', shape: [8, 113, 8], inner: 1, optional: false },
];

const drawn = new Map<string, Values>();
/** The inputs of a case. */
export function drawBranch(one: BranchCase): Values {
  const key = JSON.stringify(one);
  const values = drawn.get(key) ?? drawAnew(one);
  drawn.set(key, values);
  return values;
}

/** The inputs of a case as tensors, by name. */
export function branchTensors(one: BranchCase): Inputs {
  const values = Object.entries(drawBranch(one));
  return Object.fromEntries(
    values.map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]),
  );
}

function drawAnew({ branch, shape, inner, optional }: BranchCase): Values {
  const [batch, , dim] = shape;
  const rng = new Rng(5).split(branch, shape.join());
  const values: Values = {};
  const normal = (name: string, own: number[], std = 1, mean = 0) => {
    const length = own.reduce((a, b) => a * b, 1);
    values[name] = { shape: own, data: Float32Array.from({ length }, () => rng.normal(mean, std)) };
  };
  const hidden = branch === 'mlp' ? inner : 3 * dim;
  const [first, last] = branch === 'mlp' ? ['fc1', 'fc2'] : ['qkv', 'proj'];
  const biases = branch === 'mlp' ? ['bias1', 'bias2'] : ['qkvBias', 'projBias'];
  normal('x', shape);
  normal('gamma', [dim], 0.2, 1);
  normal('beta', [dim], 0.2);
  normal(first!, [hidden, dim], dim ** -0.5);
  normal(last!, branch === 'mlp' ? [dim, hidden] : [dim, dim], hidden ** -0.5);
  if (!optional) return values;
  normal(biases[0]!, [hidden]);
  normal(biases[1]!, [dim]);
  normal('scale', [dim], 0.2, 1);
  values['keep'] = {
    shape: [batch],
    data: Float32Array.from({ length: batch }, (_, i) => (i % 3 === 1 ? 0 : 1.5)),
  };
  return values;
}

/** Runs the branch, fused where the backend has its kernel. */
export function runBranchCase(
  { branch, inner }: BranchCase,
  x: Inputs,
  precision: Precision,
): tf.Tensor {
  return branch === 'mlp'
    ? mlpBranch(x as never, { activation: inner % 2 === 0 ? 'erf' : 'tanh', precision })
    : attentionBranch(x as never, { numHeads: inner, precision });
}
