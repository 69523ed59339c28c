// Resampling of a matrix to another size, nearest or bilinear.

import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { Grid } from './grid.ts';

/** The interpolation from a coarse map to a fine one: `nearest` keeps its cells visible, `bilinear` blends between their centres. */
export type Interpolation = 'nearest' | 'bilinear';

/**
 * A grid resampled to another size; cell edges stay where they are in the picture.
 *
 * The centre of target pixel x lies at (x + ½)·width/targetWidth − ½ in source cells; past the outermost centres the edge value
 * holds. So row r and column c of a 14 × 14 map cover exactly the pixels of patch (r, c), for non-square images too.
 *
 * @throws InputError if the grid is empty
 * Source: the half-pixel convention of torch's interpolate with align_corners = false.
 */
export function resampleGrid(
  { height, width, data }: Grid,
  size: { height: number; width: number; interpolation?: Interpolation },
): Grid<Float32Array> {
  const { interpolation = 'nearest' } = size;
  assertInteger('height', size.height, { min: 1, max: 16384 });
  assertInteger('width', size.width, { min: 1, max: 16384 });
  if (height < 1 || width < 1)
    throw new InputError(expected('at least one cell', 'grid', [height, width]));
  const rows = samples(height, size.height, interpolation);
  const columns = samples(width, size.width, interpolation);
  const out = new Float32Array(size.height * size.width);
  let i = 0;
  for (const [top, bottom, down] of rows) {
    for (const [left, right, across] of columns) {
      const upper = mix(data[top * width + left]!, data[top * width + right]!, across);
      const lower = mix(data[bottom * width + left]!, data[bottom * width + right]!, across);
      out[i] = mix(upper, lower, down);
      i += 1;
    }
  }
  return { height: size.height, width: size.width, data: out };
}

type Sample = readonly [first: number, second: number, weightOfSecond: number];

function samples(from: number, to: number, interpolation: Interpolation): Sample[] {
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to;
    if (interpolation === 'nearest') {
      const cell = Math.min(from - 1, Math.floor(centre));
      return [cell, cell, 0];
    }
    const position = Math.min(from - 1, Math.max(0, centre - 0.5));
    const first = Math.floor(position);
    return [first, Math.min(from - 1, first + 1), position - first];
  });
}

function mix(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}
