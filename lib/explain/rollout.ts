// Attention rollout and gradient rollout: attention of all layers combined into one matrix.

import { assertKind, assertListOf } from '../core/kinds.ts';
import { assertInteger, assertNumber, assertOneOf } from '../core/check.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';
import type { Grid } from '../figures/grid.ts';
import { assertAttention } from './attentionArray.ts';
import type { AttentionArray } from './attentionArray.ts';

/** The reduction of the heads of a layer to one matrix, entry by entry. */
export type HeadFusion = 'mean' | 'max' | 'min';

const fusions: readonly HeadFusion[] = ['mean', 'max', 'min'];

/** The options of a rollout. */
export interface RolloutOptions {
  /** Default mean. */
  headFusion?: HeadFusion;
  /** The share of the smallest entries of each fused matrix that is set to 0, 0 ≤ ratio < 1; default 0. */
  discardRatio?: number;
  /** The first layer that counts, from 0; default 0. */
  startLayer?: number;
  /** The image of the batch, from 0; default 0. */
  batchIndex?: number;
  /** false: without the residual connection, A = F with rows divided by their sums; default true. */
  residual?: boolean;
  /** Only the rows of these tokens, which takes O(L·q·N²) steps instead of O(L·N³); default all tokens. */
  queries?: readonly number[];
}

/** A rollout, [N, N] or [queries, N], with the layout of the tokens if the attention brought it from a capture. */
export interface Rollout extends Grid<Float64Array> {
  readonly layout?: TokenLayout | undefined;
}

/**
 * Attention rollout: how much of each input token is in each output token, if attention alone moved information.
 *
 * For each layer A = ½ (F + I), rows divided by their sums, with F the heads fused and the floor(N²·discardRatio) smallest entries
 * of F set to 0 (entry [0, 0] is never set to 0); rollout = A_L · … · A_startLayer. The ½ I stands for the residual connection.
 *
 * @param attentions  one a layer, [B, h, N, N], entries ≥ 0
 * @returns [N, N], or [queries, N]; rows sum to 1. Column 0 … prefix − 1 are the prefix tokens: `patchGrid` takes the patches
 * @throws InputError on NaN, infinite and negative entries, naming the layer
 *
 * Source: Abnar and Zuidema 2020, "Quantifying attention flow in transformers", eq. 1; fusion and discarding as in
 * jacobgil/vit-explain, with each row divided by its own sum.
 *
 * @example
 * const rows = attentionRollout(await readAttention(capture), {queries: [0]});
 * const map = patchGrid(rows);
 */
export function attentionRollout(
  attentions: readonly AttentionArray[],
  options: RolloutOptions = {},
): Rollout {
  assertKind('options of attentionRollout', options, 'instance');
  const { headFusion = 'mean', batchIndex = 0, discardRatio = 0 } = options;
  assertOneOf('headFusion', headFusion, fusions);
  const { heads, tokens } = assertAttention('attentions', attentions, batchIndex);
  return rollOut(attentions, tokens, options, (layer) => {
    const { data } = attentions[layer]!;
    const fused = fuseHeads(data, { heads, tokens, batchIndex, headFusion });
    assertEntries(fused, layer);
    discardSmallest(fused, discardRatio, { keepFirst: true });
    return fused;
  });
}

/**
 * Gradient rollout: attention rollout with each layer's heads weighed by how much the class depends on them.
 *
 * As `attentionRollout`, with F = max(0, mean over heads of A ⊙ ∂logit/∂A); no entry is protected from being discarded.
 *
 * @param attentions, gradients  one a layer in the same order, [B, h, N, N]
 * @throws ShapeError if there are not as many gradients as attentions, or they differ in shape
 *
 * Source: jacobgil/vit-explain, "grad rollout", with gradients paired with their own layers and rows divided by their own sums.
 */
export function gradientRollout(
  attentions: readonly AttentionArray[],
  gradients: readonly AttentionArray[],
  options: Omit<RolloutOptions, 'headFusion'> = {},
): Rollout {
  assertKind('options of gradientRollout', options, 'instance');
  const { batchIndex = 0, discardRatio = 0 } = options;
  const { heads, tokens } = assertAttention('attentions', attentions, batchIndex);
  const other = assertAttention('gradients', gradients, batchIndex);
  if (gradients.length !== attentions.length || other.heads !== heads || other.tokens !== tokens) {
    throw new ShapeError(
      expected(`${attentions.length} layers of ${heads} heads and ${tokens} tokens`, 'gradients', [
        gradients.length,
        other.heads,
        other.tokens,
      ]),
    );
  }
  return rollOut(attentions, tokens, options, (layer) => {
    const [probabilities, slopes] = [attentions[layer]!.data, gradients[layer]!.data];
    const weighed = Float64Array.from(probabilities, (value, i) => value * slopes[i]!);
    const fused = fuseHeads(weighed, { heads, tokens, batchIndex, headFusion: 'mean' });
    for (let i = 0; i < fused.length; i += 1) if (fused[i]! < 0) fused[i] = 0;
    assertEntries(fused, layer);
    discardSmallest(fused, discardRatio, { keepFirst: false });
    return fused;
  });
}

function rollOut(
  attentions: readonly AttentionArray[],
  tokens: number,
  { startLayer = 0, discardRatio = 0, residual = true, queries }: RolloutOptions,
  fusedLayer: (layer: number) => Float64Array,
): Rollout {
  const { length: layers } = attentions;
  assertInteger('startLayer', startLayer, { min: 0, max: layers - 1 });
  assertNumber('discardRatio', discardRatio, { min: 0, max: 1 - Number.EPSILON });
  if (queries !== undefined) assertListOf('queries', queries, 'integer');
  const wanted = queries ?? Array.from({ length: tokens }, (_, i) => i);
  let rows: Float64Array = new Float64Array(wanted.length * tokens);
  wanted.forEach((token, i) => {
    assertInteger(`queries[${i}]`, token, { min: 0, max: tokens - 1 });
    rows[i * tokens + token] = 1;
  });
  // From the last layer down: rows · A_L · A_(L−1) · …, so that a single query stays a single row.
  for (let layer = layers - 1; layer >= startLayer; layer -= 1) {
    rows = multiply(rows, stochastic(fusedLayer(layer), tokens, residual), tokens);
  }
  const { layout } = attentions[0]!;
  return { height: wanted.length, width: tokens, data: rows, ...(layout && { layout }) };
}

function fuseHeads(
  data: ArrayLike<number>,
  from: { heads: number; tokens: number; batchIndex: number; headFusion: HeadFusion },
): Float64Array {
  const { heads, tokens, batchIndex, headFusion } = from;
  const size = tokens * tokens;
  const start = batchIndex * heads * size;
  const fused = new Float64Array(size);
  for (let i = 0; i < size; i += 1) {
    let value = data[start + i]!;
    for (let head = 1; head < heads; head += 1) {
      const next = data[start + head * size + i]!;
      if (headFusion === 'mean') value += next;
      else value = headFusion === 'max' ? Math.max(value, next) : Math.min(value, next);
    }
    fused[i] = headFusion === 'mean' ? value / heads : value;
  }
  return fused;
}

function discardSmallest(
  matrix: Float64Array,
  ratio: number,
  { keepFirst }: { keepFirst: boolean },
): void {
  const count = Math.floor(matrix.length * ratio);
  if (count === 0) return;
  // Equal values go in the order of their places, so the result does not depend on the sort.
  const order = Uint32Array.from(matrix, (_, i) => i).sort(
    (a, b) => matrix[a]! - matrix[b]! || a - b,
  );
  for (const place of order.subarray(0, count)) {
    if (place !== 0 || !keepFirst) matrix[place] = 0;
  }
}

// ½ (F + I), or F alone, with rows divided by their sums. With I they are at least ½, since F ≥ 0; a row of F that is all 0 stays 0.
function stochastic(matrix: Float64Array, tokens: number, residual: boolean): Float64Array {
  for (let row = 0; row < tokens; row += 1) {
    const from = row * tokens;
    if (residual) matrix[from + row] = matrix[from + row]! + 1;
    let sum = 0;
    for (let i = from; i < from + tokens; i += 1) sum += matrix[i]!;
    if (sum === 0) continue;
    for (let i = from; i < from + tokens; i += 1) matrix[i] = matrix[i]! / sum;
  }
  return matrix;
}

function multiply(rows: Float64Array, matrix: Float64Array, tokens: number): Float64Array {
  const out = new Float64Array(rows.length);
  for (let from = 0; from < rows.length; from += tokens) {
    for (let k = 0; k < tokens; k += 1) {
      const weight = rows[from + k]!;
      if (weight === 0) continue;
      for (let j = 0; j < tokens; j += 1)
        out[from + j] = out[from + j]! + weight * matrix[k * tokens + j]!;
    }
  }
  return out;
}

function assertEntries(matrix: Float64Array, layer: number): void {
  const bad = matrix.findIndex((value) => !(value >= 0 && value < Infinity));
  if (bad < 0) return;
  throw new InputError(expected('finite numbers ≥ 0', `attention of layer ${layer}`, matrix[bad]));
}
