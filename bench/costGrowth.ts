// How cost grows: the exponent of a power law through measured points, and the exponents that are allowed.

import type { CostAxis } from './costWorks.ts';

/** One measured place: x along an axis, y what it cost. */
export type Place = readonly [x: number, y: number];

/**
 * The exponent p of y = c·xᵖ: the slope of the least-squares line through (log x, log y).
 *
 * Of places that span more than a factor of 16 only those within it of the largest count: there constant parts no longer hide
 * how the rest grows.
 *
 * @throws RangeError unless two different x are left, all values above 0
 */
export function growthExponent(places: readonly Place[]): number {
  const largest = Math.max(...places.map(([x]) => x));
  const logs = places
    .filter(([x]) => 16 * x >= largest)
    .map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (axis: 0 | 1) => logs.reduce((sum, log) => sum + log[axis], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const exponent = covariance / variance;
  if (Number.isFinite(exponent)) return exponent;
  throw new RangeError('Expected values above 0 at two places or more.');
}

/** What cost is measured in: milliseconds a repetition; bytes at the peak beyond what the process held at rest. */
export type CostKind = 'time' | 'memory';

/**
 * The largest exponents that are fine: what the work needs, and 0.2 for what caches do.
 *
 * Products grow with the square of the width, attention's with the square of the tokens; its memory must not. Weights, gradients
 * and moments grow with the square of the width, activations with the width.
 */
export const growthLimits: Readonly<Record<CostKind, Readonly<Record<CostAxis, number>>>> = {
  time: { batch: 1.2, tokens: 2.2, width: 2.2, depth: 1.2 },
  memory: { batch: 1.2, tokens: 1.2, width: 2.2, depth: 1.2 },
};
