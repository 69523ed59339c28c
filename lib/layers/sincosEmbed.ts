// Fixed position embeddings by formula, as plain arrays.

import { assertFields, assertListOf } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/**
 * Fixed two-dimensional sine-cosine position embedding of a grid, [P, C] row by row.
 *
 * With ω_k = temperature^(−4k / C), k < C/4, and the patch in column x of row y, the channels are
 * [sin(x·ω), cos(x·ω), sin(y·ω), cos(y·ω)], a quarter each: the order of MoCo v3, MAE and big_vision. (timm's
 * `build_sincos2d_pos_embed` has [sin y, sin x, cos y, cos x].)
 *
 * @param grid  [rows, columns]
 * @throws InputError if `dim` is not a multiple of 4
 *
 * Source: Chen et al. 2021, "An empirical study of training self-supervised vision transformers", section 5.
 */
export function sincos2d(
  grid: readonly [number, number],
  dim: number,
  options: { temperature?: number } = {},
): Float32Array {
  assertListOf('grid', grid, 'count');
  assertInteger('dim', dim, { min: 1, max: 65_536 });
  assertFields('options', options, { temperature: 'number?' });
  const [rows, columns] = grid;
  const { temperature = 10_000 } = options;
  if (dim % 4 !== 0) {
    throw new InputError(expected('a multiple of 4', "embedDim with posEmbed 'sincos2d'", dim));
  }
  const quarter = dim / 4;
  const out = new Float32Array(rows * columns * dim);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const start = (row * columns + column) * dim;
      for (let k = 0; k < quarter; k += 1) {
        const omega = temperature ** (-k / quarter);
        out[start + k] = Math.sin(column * omega);
        out[start + quarter + k] = Math.cos(column * omega);
        out[start + 2 * quarter + k] = Math.sin(row * omega);
        out[start + 3 * quarter + k] = Math.cos(row * omega);
      }
    }
  }
  return out;
}

/**
 * The fixed position embedding of a sequence, [N, C]: PE(n, 2i) = sin(n·ω_i), PE(n, 2i+1) = cos(n·ω_i), ω_i = 10000^(−2i / C).
 *
 * Source: Vaswani et al. 2017, section 3.5.
 */
export function sincos1d(length: number, dim: number): Float32Array {
  assertInteger('length', length, { min: 0, max: 2 ** 24 });
  assertInteger('dim', dim, { min: 1, max: 65_536 });
  const out = new Float32Array(length * dim);
  for (let n = 0; n < length; n += 1) {
    for (let c = 0; c < dim; c += 1) {
      const angle = n * 10_000 ** (-(c - (c % 2)) / dim);
      out[n * dim + c] = c % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return out;
}
