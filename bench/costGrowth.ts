// How cost grows: the exponent of a power law through measured points, and the exponents that are allowed.

import type { CostAxis } from './costWorks.ts';

/** One measured point: x along an axis, y its cost. */
export type Place = readonly [x: number, y: number];

/**
 * The exponent p of y = c·xᵖ: the slope of the least-squares line through (log x, log y).
 *
 * Points whose x is less than a sixteenth of the largest are left out, because constant parts hide the growth there.
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

// Root mean square of the noise of a peak, in bytes. Peaks of equal work differ from run to run by 10 MB up or down, and a fit
// absorbs most of it.
const NOISE = 4e6;

/**
 * The exponent p and the constant part a ≥ 0 of y = a + b·xᵖ, b ≥ 0: the p of 0, 0.01, … 4 whose sum of squares is smallest; and
 * `least`, the smallest p whose fit is worse by no more than the noise of peaks.
 *
 * It serves for memory, where a is the memory of the libraries. The memory of a process at rest is no better estimate, because it
 * includes freed memory. Errors of y have the same weight at all points, so the largest decide. A growth of less than 32 MB from
 * the smallest to the largest point counts as none, p = 0, because garbage collection alone moves half as much.
 */
export function growthBeyondBase(places: readonly Place[]): {
  exponent: number;
  least: number;
  base: number;
} {
  const byX = [...places].sort(([a], [b]) => a - b);
  const none = { exponent: 0, least: 0, base: Math.min(...places.map(([, y]) => y)) };
  if (byX.at(-1)![1] - byX[0]![1] < 32e6) return none;
  const fits = Array.from({ length: 400 }, (_, i) => {
    const exponent = (i + 1) / 100;
    return { exponent, ...fitAbove(places.map(([x, y]) => [x ** exponent, y])) };
  });
  const best = fits.reduce((one, other) => (other.error < one.error ? other : one));
  const { exponent: least } = fits.find(({ error }) => error <= best.error + NOISE ** 2)!;
  return { exponent: best.exponent, least, base: best.base };
}

// The least-squares line a + b·u with a, b ≥ 0, and its sum of squares.
function fitAbove(places: readonly Place[]): { base: number; error: number } {
  const mean = (of: (place: Place) => number) =>
    places.reduce((sum, place) => sum + of(place), 0) / places.length;
  const [meanU, meanY] = [mean(([u]) => u), mean(([, y]) => y)];
  const slope = mean(([u, y]) => (u - meanU) * (y - meanY)) / mean(([u]) => (u - meanU) ** 2);
  const through = mean(([u, y]) => u * y) / mean(([u]) => u * u);
  const rises = slope >= 0;
  const [base, b] = !rises
    ? [meanY, 0]
    : meanY < slope * meanU
      ? [0, through]
      : [meanY - slope * meanU, slope];
  return { base, error: mean(([u, y]) => (y - base - b * u) ** 2) };
}

/** The two costs: milliseconds a repetition, and bytes that the process holds at its peak. */
export type CostKind = 'time' | 'memory';

/**
 * The largest exponents that pass: those of the work itself, plus 0.2 for the effects of caches and of size classes of memory.
 *
 * Products grow with the square of the width, attention's with the square of the tokens; its memory must not. Weights, gradients
 * and moments grow with the square of the width, activations with the width.
 */
export const growthLimits: Readonly<Record<CostKind, Readonly<Record<CostAxis, number>>>> = {
  time: { batch: 1.2, tokens: 2.2, width: 2.2, depth: 1.2 },
  memory: { batch: 1.2, tokens: 1.2, width: 2.2, depth: 1.2 },
};
