// An iterated function system: affine maps of the plane, each with the probability of being applied.

import { InputError, expected } from '../core/errors.ts';

/**
 * An iterated function system of n maps x' = a·x + b·y + e, y' = c·x + d·y + f.
 *
 * @property maps           [n, 8]: a, b, c, d, e, f and two zeros for each map
 * @property probabilities  [n], the p of each map; they sum to 1
 */
export interface Ifs {
  readonly maps: Float64Array;
  readonly probabilities: Float64Array;
}

/** Numbers of a map in `Ifs.maps`. */
export const mapStride = 8;

/** Maps that a system may have. */
export const maxMaps = 31;

/** The system of rows [a, b, c, d, e, f, p]. @throws InputError if there is none, too many, or a number is not finite */
export function ifsOf(rows: readonly (readonly number[])[]): Ifs {
  if (rows.length === 0 || rows.length > maxMaps) {
    throw new InputError(expected(`1 to ${maxMaps} rows`, 'the maps', rows.length));
  }
  const maps = new Float64Array(rows.length * mapStride);
  rows.forEach((row, i) => {
    if (row.length !== 7 || !row.every(Number.isFinite)) {
      throw new InputError(expected('7 finite numbers a, b, c, d, e, f, p', `map ${i}`, row));
    }
    if (row[6]! < 0) throw new InputError(expected('a number ≥ 0', `p of map ${i}`, row[6]));
    maps.set(row.slice(0, 6), i * mapStride);
  });
  return { maps, probabilities: Float64Array.from(rows, (row) => row[6]!) };
}

/** The rows [a, b, c, d, e, f, p] of a system. */
export function rowsOf({ maps, probabilities }: Ifs): number[][] {
  return Array.from(probabilities, (p, i) => [
    ...maps.subarray(i * mapStride, i * mapStride + 6),
    p,
  ]);
}

/** The system with a … f of every map multiplied by six weights; the probabilities stay. */
export function weighted({ maps, probabilities }: Ifs, weights: readonly number[]): Ifs {
  return {
    maps: maps.map((value, i) => value * (weights[i % mapStride] ?? 1)),
    probabilities,
  };
}

/** The sums p₀, p₀ + p₁, … of the probabilities, added in this order. */
export function cumulated({ probabilities }: Ifs): Float64Array {
  let sum = 0;
  return probabilities.map((p) => (sum += p));
}
