// The weights by which a category is varied into 25 systems.

import { InputError, expected } from '../core/errors.ts';

/** Systems of a category: itself, and four variations of each of a … f. */
export const weightRows = 25;

/** The row of the weights that change nothing. */
export const identityRow = 2;

/** The widths of the published weight tables. */
export const weightWidths = ['0.0125', '0.025', '0.05', '0.1', '0.2', '0.3', '0.4', '0.5'] as const;

/**
 * The 25 rows of six factors on a … f of every map: a by 1 − 2w, 1 − w, 1, 1 + w, 1 + 2w, then b … f by the four that are not 1.
 *
 * Where 1 − 2w is not above 0, the published table for 0.5 has 0.01 in its place.
 *
 * @param width  w
 *
 * @example weightTable(0.4)[0];   // [0.2, 1, 1, 1, 1, 1]
 */
export function weightTable(width: number): number[][] {
  if (!(width > 0 && width <= 0.5)) {
    throw new InputError(expected('a number > 0 and ≤ 0.5', 'weights', width));
  }
  // Written in decimals, as the published tables are: 1 + 2 · 0.4 would be off in the last place.
  const decimal = (value: number): number => Number(value.toFixed(10));
  const factors = [1 - 2 * width, 1 - width, 1, 1 + width, 1 + 2 * width].map(decimal);
  if (factors[0] === 0) factors[0] = 0.01;
  const rows: number[][] = [];
  for (let parameter = 0; parameter < 6; parameter += 1) {
    for (const factor of factors) {
      if (factor === 1 && parameter > 0) continue;
      rows.push(Array.from({ length: 6 }, (_, i) => (i === parameter ? factor : 1)));
    }
  }
  return rows;
}
