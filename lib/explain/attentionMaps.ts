// Attention of a token to the patches, as maps on the grid of patches.

import { assertInteger } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';
import { assertGrid, rangeOf } from '../figures/grid.ts';
import type { Grid } from '../figures/grid.ts';
import { assertAttention } from './attentionArray.ts';
import type { AttentionArray } from './attentionArray.ts';

/** The places of the patches among a model's tokens. */
export interface TokenLayout {
  /** Tokens before the patches: class, distillation, registers. */
  numPrefixTokens: number;
  /** Patches as rows × columns; P = rows · columns = N − numPrefixTokens. */
  gridSize: readonly [rows: number, columns: number];
}

/**
 * The token whose attention is shown. `class`: token 0, the class token; `mean`: the mean over all patches, for a model without a class
 * token; a number: that token.
 */
export type Query = 'class' | 'mean' | number;

/**
 * The attention of a token to the patches, for every layer and head.
 *
 * maps[layer][head][r, c] = A[batchIndex, head, query, numPrefixTokens + r·columns + c]; with query `mean` the mean of that over
 * all patch queries. A map sums to at most 1; the rest goes to the prefix tokens.
 *
 * @param attentions        one a layer, [B, h, N, N]
 * @param options.query     default `class`, and `mean` if there is no prefix token
 * @throws ShapeError if N is not numPrefixTokens + rows · columns
 */
export function attentionMaps(
  attentions: readonly AttentionArray[],
  options: TokenLayout & { query?: Query; batchIndex?: number },
): Grid[][] {
  const { numPrefixTokens, batchIndex = 0 } = options;
  const { query = numPrefixTokens > 0 ? 'class' : 'mean' } = options;
  const { heads, tokens } = assertAttention('attentions', attentions, batchIndex);
  assertLayout(tokens, options);
  const queries = queryTokens(query, tokens, numPrefixTokens);
  return attentions.map(({ data }) =>
    Array.from({ length: heads }, (_, head) => {
      const row = new Float64Array(tokens);
      const start = (batchIndex * heads + head) * tokens * tokens;
      for (const token of queries) {
        const from = start + token * tokens;
        for (let key = 0; key < tokens; key += 1)
          row[key] = row[key]! + data[from + key]! / queries.length;
      }
      return patchGrid(row, options);
    }),
  );
}

/** A value for each token, [N], as a map over the patches. @throws ShapeError if the layout does not fit N */
export function patchGrid(values: ArrayLike<number>, layout: TokenLayout): Grid<Float64Array> {
  assertLayout(values.length, layout);
  const [height, width] = layout.gridSize;
  const data = Float64Array.from(
    { length: height * width },
    (_, i) => values[layout.numPrefixTokens + i]!,
  );
  return { height, width, data };
}

/**
 * A map stretched to 0 … 1: (x − min) / (max − min).
 *
 * A constant map becomes all 0, and `constant` is true.
 *
 * @throws InputError on NaN and infinities
 */
export function stretchMap(grid: Grid): Grid<Float64Array> & { constant: boolean } {
  assertGrid('map', grid);
  const [low, high] = rangeOf([grid]);
  const constant = !(high > low);
  const data = Float64Array.from(grid.data, (value) =>
    constant ? 0 : (value - low) / (high - low),
  );
  return { height: grid.height, width: grid.width, data, constant };
}

/** The tokens a query stands for. @throws InputError if it is none of the N tokens */
export function queryTokens(query: Query, tokens: number, numPrefixTokens: number): number[] {
  if (query === 'mean') {
    return Array.from({ length: tokens - numPrefixTokens }, (_, i) => numPrefixTokens + i);
  }
  const token = query === 'class' ? 0 : query;
  assertInteger('query', token, { min: 0, max: tokens - 1 });
  return [token];
}

function assertLayout(
  tokens: number,
  { numPrefixTokens, gridSize: [rows, columns] }: TokenLayout,
): void {
  assertInteger('numPrefixTokens', numPrefixTokens, { min: 0 });
  assertInteger('grid rows', rows, { min: 1 });
  assertInteger('grid columns', columns, { min: 1 });
  if (numPrefixTokens + rows * columns === tokens) return;
  const what = `${numPrefixTokens} + ${rows} × ${columns} = ${numPrefixTokens + rows * columns} tokens`;
  throw new ShapeError(expected(what, 'attention', tokens, 'Check numPrefixTokens and gridSize.'));
}
