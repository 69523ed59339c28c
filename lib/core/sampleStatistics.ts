// Mean, spread and confidence interval of a few measurements.

import { assertNumber } from './check.ts';
import { InputError, expected } from './errors.ts';
import { assertKind } from './kinds.ts';

/**
 * The statistics of a sample of n measurements.
 *
 * @property mean       x̄ = Σ xᵢ / n
 * @property deviation  standard deviation √(Σ (xᵢ − x̄)² / (n − 1)); 0 of a single one
 * @property halfWidth  half the 95 % confidence interval of the mean, t₀.₉₇₅(n − 1) · deviation / √n; null of a single one
 */
export interface SampleStatistics {
  readonly mean: number;
  readonly deviation: number;
  readonly halfWidth: number | null;
}

// Quantiles 0.975 of Student's t with 1 … 30 degrees of freedom.
const quantiles = [
  12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814, 2.20099,
  2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596, 2.07961, 2.07387,
  2.06866, 2.0639, 2.05954, 2.05553, 2.05183, 2.04841, 2.04523, 2.04227,
];

/** The mean of measurements with its spread. @throws InputError without one, or if one is not finite */
export function sampleStatistics(values: readonly number[]): SampleStatistics {
  assertKind('the values', values, 'list');
  if (values.length === 0) throw new InputError(expected('at least one', 'the values', values));
  values.forEach((value, i) => assertNumber(`values[${i}]`, value));
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { mean, deviation: 0, halfWidth: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  return { mean, deviation, halfWidth: (tQuantile(count - 1) * deviation) / Math.sqrt(count) };
}

// Beyond the table two terms of Cornish and Fisher's expansion are exact to 1e-4.
function tQuantile(freedom: number): number {
  const z = 1.959964;
  const first = (z ** 3 + z) / (4 * freedom);
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
  return quantiles[freedom - 1] ?? z + first + second;
}
