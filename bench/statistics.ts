// Median and quartiles of a sample.

/** The median and the quartiles of a sample. */
export interface Spread {
  median: number;
  p25: number;
  p75: number;
}

/**
 * Median and quartiles, interpolated between neighbours (NumPy's `linear`).
 *
 * @throws RangeError for an empty sample
 */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    p25: quantile(sorted, 0.25),
    p75: quantile(sorted, 0.75),
  };
}

function quantile(sorted: readonly number[], fraction: number): number {
  if (sorted.length === 0) throw new RangeError('Expected at least one value, received none.');
  const at = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}
