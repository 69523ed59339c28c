// Attention of a token to the patches, as maps on the grid of patches.

import { assertKind } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';
import { assertGrid, rangeOf } from '../figures/grid.ts';
import type { Grid } from '../figures/grid.ts';
import { assertAttention } from './attentionArray.ts';
import type { AttentionArray } from './attentionArray.ts';
import type { Rollout } from './rollout.ts';

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
 * The layout of the tokens comes with attention that was captured: a model that takes images of any size has another grid in each
 * pass. Only attention that brings none needs numPrefixTokens, gridSize and hasClassToken, which a model has too.
 *
 * @param attentions        one a layer, [B, h, N, N]
 * @param options.query     default `class`, and `mean` if there is no class token
 * @throws ShapeError if N is not numPrefixTokens + rows · columns
 * @throws InputError if query is `class` and there is no class token
 *
 * @example const maps = attentionMaps(await readAttention(capture));
 */
export function attentionMaps(
  attentions: readonly AttentionArray[],
  options: Partial<TokenLayout> & { query?: Query; batchIndex?: number } = {},
): Grid[][] {
  assertKind('options of attentionMaps', options, 'instance');
  const { batchIndex = 0 } = options;
  const { heads, tokens } = assertAttention('attentions', attentions, batchIndex);
  const layout = layoutOf(attentions[0]!, options);
  const { query = hasClassToken(layout) ? 'class' : 'mean' } = options;
  assertLayout(tokens, layout);
  const queries = queryTokens(query, tokens, layout);
  return attentions.map(({ data }) =>
    Array.from({ length: heads }, (_, head) => {
      const row = new Float64Array(tokens);
      const start = (batchIndex * heads + head) * tokens * tokens;
      for (const token of queries) {
        const from = start + token * tokens;
        for (let key = 0; key < tokens; key += 1)
          row[key] = row[key]! + data[from + key]! / queries.length;
      }
      return patchGrid(row, layout);
    }),
  );
}

/**
 * A value for each token as a map over the patches.
 *
 * @param values  [N]; or a rollout, [queries, N], whose mean over its rows is drawn
 * @param layout  for values that do not bring one; a model has it. A rollout of captured attention brings its own, which counts
 * @throws ShapeError if the layout does not fit N
 *
 * @example const map = patchGrid(attentionRollout(attentions, {queries: [0]}));
 */
export function patchGrid(
  values: ArrayLike<number> | Rollout,
  layout?: TokenLayout,
): Grid<Float64Array> {
  assertKind('values', values, 'instance');
  if (layout !== undefined) assertKind('layout', layout, 'instance');
  if (!('width' in values)) assertKind('values', values, 'array');
  if ('width' in values) return patchGrid(meanRow(values), layoutOf(values, layout ?? {}));
  const places = layoutOf({}, layout ?? {});
  assertLayout(values.length, places);
  const [height, width] = places.gridSize;
  const data = Float64Array.from(
    { length: height * width },
    (_, i) => values[places.numPrefixTokens + i]!,
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

/** The tokens a query stands for. @throws InputError if it is none of the N tokens, or a class token that is not there */
export function queryTokens(query: Query, tokens: number, layout: TokenLayout): number[] {
  const { numPrefixTokens } = layout;
  if (query === 'class' && !hasClassToken(layout)) {
    const remedy = 'Give mean for the mean over the patches, or the number of a token.';
    throw new InputError(
      expected('mean or a number without a class token', 'query', query, remedy),
    );
  }
  if (query === 'mean') {
    return Array.from({ length: tokens - numPrefixTokens }, (_, i) => numPrefixTokens + i);
  }
  const token = query === 'class' ? 0 : query;
  assertInteger('query', token, { min: 0, max: tokens - 1 });
  return [token];
}

/**
 * The layout that attention brings from its capture, else the given one.
 *
 * @throws InputError if there is neither
 */
export function layoutOf(
  { layout }: { readonly layout?: TokenLayout | undefined },
  given: Partial<TokenLayout>,
): TokenLayout {
  if (layout !== undefined) return layout;
  const { numPrefixTokens, gridSize, hasClassToken: classToken } = given;
  if (numPrefixTokens !== undefined && gridSize !== undefined) {
    return { numPrefixTokens, gridSize, hasClassToken: classToken };
  }
  const missing = numPrefixTokens === undefined ? 'numPrefixTokens' : 'gridSize';
  const remedy = 'Give the model, or attention from readAttention.';
  throw new InputError(expected('the layout of the tokens', missing, undefined, remedy));
}

function hasClassToken({ numPrefixTokens, hasClassToken: given }: TokenLayout): boolean {
  return numPrefixTokens > 0 && given !== false;
}

function meanRow({ data, height, width }: Grid): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i += 1) mean[i % width] = mean[i % width]! + data[i]! / height;
  return mean;
}

function assertLayout(tokens: number, { numPrefixTokens, gridSize }: TokenLayout): void {
  assertKind('gridSize', gridSize, 'list');
  const [rows, columns] = gridSize;
  assertInteger('numPrefixTokens', numPrefixTokens, { min: 0 });
  assertInteger('grid rows', rows, { min: 1 });
  assertInteger('grid columns', columns, { min: 1 });
  if (numPrefixTokens + rows * columns === tokens) return;
  const what = `${numPrefixTokens} + ${rows} × ${columns} = ${numPrefixTokens + rows * columns} tokens`;
  throw new ShapeError(expected(what, 'attention', tokens, 'Check numPrefixTokens and gridSize.'));
}
