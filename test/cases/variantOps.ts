// The rows of the op table for norms and activations of Vision Transformers that are not the usual ones.

import { sizeOf } from '../../lib/core/check.ts';
import { activate } from '../../lib/ops/activation.ts';
import { rmsNorm } from '../../lib/ops/rmsNorm.ts';
import * as exact from '../support/exactOps.ts';
import { row, spec, type OpCase } from '../support/opCase.ts';

const normal = (std = 1, mean = 0) => spec((rng) => rng.normal(mean, std));
const uniform = (low: number, high: number) => spec((rng) => rng.uniform(low, high));

function rmsNormRow(shape: [number, number, number]): OpCase {
  const size = shape[2];
  const inputs = { x: normal()<3>(...shape), gamma: normal()<1>(size) };
  return row(`rmsNorm [${shape}]`, inputs, {
    run: ({ x, gamma }) => rmsNorm(x, gamma, { epsilon: 1e-6 }),
    exact: ({ x, gamma }) => exact.rmsNorm(x, gamma, 1e-6),
    reasons: { terms: Math.max(size, shape[0] * shape[1]) },
    flops: 5 * sizeOf(shape),
  });
}

const siluRow = row(
  'silu [3,17,65]',
  { x: uniform(-8, 8)<3>(3, 17, 65) },
  {
    run: ({ x }) => activate(x, 'silu'),
    exact: ({ x }) => x.data.map(exact.silu),
    reasons: {},
    flops: 4 * 3 * 17 * 65,
  },
);

/** rmsNorm and silu. */
export const variantCases: readonly OpCase[] = [
  rmsNormRow([3, 17, 65]),
  rmsNormRow([1, 1, 7]),
  siluRow,
];
