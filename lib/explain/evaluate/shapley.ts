// Shapley values of patches: exactly from every subset, and an estimate from random orders.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger } from '../../core/check.ts';
import { assertFields, assertKind } from '../../core/kinds.ts';
import { ShapeError, expected } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { Grid } from '../../figures/grid.ts';
import type { Model } from '../../models/model.ts';
import { assertAttentionModel } from '../attentionModel.ts';
import { coalitionLogits, type CoalitionOptions, type Coalitions } from './coalitions.ts';

/** The value of a subset of patches: the logit of a class, or its probability. */
export type ShapleyGame = 'logit' | 'probability';

/**
 * The exact Shapley values of an image.
 *
 * @property maps        for each class the value of each patch, on the grid of patches
 * @property none, all   for each class the value without a patch, and with all: the values of a map sum to all − none
 * @property coalitions  what they were computed from
 */
export interface ExactShapley {
  maps: Record<ShapleyGame, Grid<Float64Array>[]>;
  none: Record<ShapleyGame, Float64Array>;
  all: Record<ShapleyGame, Float64Array>;
  coalitions: Coalitions;
}

/**
 * The exact Shapley values of the patches of an image, for every class, by all 2ⁿ subsets of its n ≤ 16 patches.
 *
 * φ_i = Σ over S without i of |S|! (n − |S| − 1)! / n! · (v(S ∪ i) − v(S)), for the logit and the probability of each class. They are
 * truth about the model if it was trained on subsets (`patchSubsets`): others answer at random where patches are missing.
 *
 * @param image  [1, H, W, C], normalised
 * @throws InputError as `coalitionLogits`
 *
 * Source: Shapley 1953; leaving out tokens as in Covert et al. 2023, "Learning to estimate Shapley values with Vision Transformers".
 *
 * @example const { maps } = await exactShapley(model, image);   // maps.logit[7]: 4 × 4
 */
export async function exactShapley(
  model: Model,
  image: tf.Tensor4D,
  options: CoalitionOptions = {},
): Promise<ExactShapley> {
  const coalitions = await coalitionLogits(model, image, options);
  assertAttentionModel(model);
  const [height, width] = model.gridSize;
  const { players, classes } = coalitions;
  const games = ['logit', 'probability'] as const;
  const each = <T>(of: (game: ShapleyGame) => T) =>
    Object.fromEntries(games.map((game) => [game, of(game)])) as Record<ShapleyGame, T>;
  const columns = each((game) =>
    Array.from({ length: classes }, (_, k) => coalitionValues(coalitions, game, k)),
  );
  const row = (game: ShapleyGame, s: number) =>
    Float64Array.from({ length: classes }, (_, k) => columns[game][k]![s]!);
  return {
    maps: each((game) =>
      Array.from({ length: classes }, (_, k) => ({
        height,
        width,
        data: shapleyValues(columns[game][k]!),
      })),
    ),
    none: each((game) => row(game, 0)),
    all: each((game) => row(game, 2 ** players - 1)),
    coalitions,
  };
}

/** The values of all subsets for one class: its logit, or its probability, [2ⁿ]. */
export function coalitionValues(
  coalitions: Coalitions,
  game: ShapleyGame,
  k: number,
): Float64Array {
  const kinds = { players: 'count', classes: 'count', logits: 'array' } as const;
  assertFields('the coalitions', coalitions, kinds);
  const { players, classes, logits } = coalitions;
  assertInteger('k', k, { min: 0, max: classes - 1 });
  const result = new Float64Array(2 ** players);
  for (let s = 0; s < result.length; s += 1) {
    const from = s * classes;
    const own = logits[from + k]!;
    if (game === 'logit') {
      result[s] = own;
      continue;
    }
    let sum = 0;
    for (let j = from; j < from + classes; j += 1) sum += Math.exp(logits[j]! - own);
    result[s] = 1 / sum;
  }
  return result;
}

/**
 * The Shapley values of a game whose values of all subsets are known.
 *
 * @param values  [2ⁿ]; bit i of a place says whether player i is there
 * @returns [n]; they sum to the value of all less that of none
 * @throws ShapeError if the number of values is no power of two
 */
export function shapleyValues(values: ArrayLike<number>): Float64Array {
  assertKind('values', values, 'array');
  const players = Math.log2(values.length);
  if (!Number.isInteger(players) || players > 24) {
    throw new ShapeError(expected('2ⁿ values, n ≤ 24', 'values', values.length));
  }
  const [joins, stays] = [new Float64Array(players + 1), new Float64Array(players + 1)];
  for (let size = 0; size <= players; size += 1) {
    if (size > 0) joins[size] = 1 / (players * choose(players - 1, size - 1));
    if (size < players) stays[size] = 1 / (players * choose(players - 1, size));
  }
  const result = new Float64Array(players);
  for (let subset = 0; subset < values.length; subset += 1) {
    let size = 0;
    for (let rest = subset; rest > 0; rest &= rest - 1) size += 1;
    const value = values[subset]!;
    for (let i = 0; i < players; i += 1) {
      const change = (subset >> i) & 1 ? joins[size]! * value : -stays[size]! * value;
      result[i] = result[i]! + change;
    }
  }
  return result;
}

/**
 * An estimate of Shapley values by random orders of the players, with the standard error of each.
 *
 * @param value   the value of a subset, whose bit i stands for player i
 * @param orders  random orders; the error falls with the root of their number
 */
export function sampledShapley(
  players: number,
  value: (subset: number) => number,
  options: { orders: number; seed?: number },
): { values: Float64Array; errors: Float64Array } {
  assertKind('value', value, 'function');
  assertFields('the options of sampledShapley', options, { orders: 'count', seed: 'integer?' });
  const { orders, seed = 0 } = options;
  assertInteger('players', players, { min: 1, max: 30 });
  assertInteger('orders', orders, { min: 2, max: 1e9 });
  const rng = new Rng(seed).split('sampledShapley');
  const [sums, squares] = [new Float64Array(players), new Float64Array(players)];
  for (let round = 0; round < orders; round += 1) {
    let subset = 0;
    let before = value(0);
    for (const player of rng.split(round).permutation(players)) {
      subset |= 1 << player;
      const after = value(subset);
      sums[player] = sums[player]! + after - before;
      squares[player] = squares[player]! + (after - before) ** 2;
      before = after;
    }
  }
  const values = sums.map((sum) => sum / orders);
  const errors = squares.map((square, i) =>
    Math.sqrt(Math.max(0, square / orders - values[i]! ** 2) / (orders - 1)),
  );
  return { values, errors };
}

function choose(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i += 1) result = (result * (n - k + i)) / i;
  return result;
}
