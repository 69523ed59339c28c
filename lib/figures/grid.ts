// A matrix of numbers as figures take it, and the range of its values.

import { assertFields } from '../core/kinds.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';

/** A matrix of numbers, row by row: `data[row · width + column]`. */
export interface Grid<Data extends ArrayLike<number> = ArrayLike<number>> {
  readonly height: number;
  readonly width: number;
  readonly data: Data;
}

/** The smallest and the largest value that a colour map is stretched over. */
export type Range = readonly [number, number];

/** Throws unless the grid has height · width values and all are finite. */
export function assertGrid(name: string, grid: Grid): void {
  assertFields(name, grid, { height: 'integer', width: 'integer', data: 'array' });
  const { height, width, data } = grid;
  const fits =
    Number.isSafeInteger(height) && Number.isSafeInteger(width) && height >= 0 && width >= 0;
  if (!fits || data.length !== height * width) {
    throw new ShapeError(expected(`${height} × ${width} values`, name, data.length));
  }
  for (let i = 0; i < data.length; i += 1) {
    if (Number.isFinite(data[i])) continue;
    const where = `${name}[${Math.floor(i / width)}][${i % width}]`;
    throw new InputError(expected('a finite number', where, data[i]));
  }
}

/** The smallest and the largest value of all grids; [0, 0] if there is none. */
export function rangeOf(grids: readonly Grid[]): Range {
  let [low, high] = [Infinity, -Infinity];
  for (const { data } of grids) {
    for (let i = 0; i < data.length; i += 1) {
      low = Math.min(low, data[i]!);
      high = Math.max(high, data[i]!);
    }
  }
  return low <= high ? [low, high] : [0, 0];
}

/** The position of a value in a range, 0 … 1; 0 everywhere if the range has no width, so a constant map is a plain area. */
export function fractionIn([low, high]: Range, value: number): number {
  return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0;
}
