// Patch dropout: while training a model sees a part of the patches of each image.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import { takeRows } from '../ops/takeRows.ts';
import * as t from '../ops/tensor.ts';
import { assertInteger, assertRank } from '../core/check.ts';
import type { ForwardContext } from '../core/context.ts';
import { InputError, expected } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import { Drop } from './drop.ts';
import type { PathScope } from './initScope.ts';

/**
 * The configuration of a `PatchDropout`.
 *
 * @property rate             share of the patches that are left out, below 1
 * @property numPrefixTokens  tokens before the patches, which all stay; default 1
 * @property ordered          true: the patches that stay keep their order; default false: they come in the order of the draw
 * @property subsets          true: in place of a rate each pass draws how many patches stay, from none to all alike; default false
 */
export interface PatchDropoutConfig {
  rate: number;
  numPrefixTokens?: number;
  ordered?: boolean;
  subsets?: boolean;
}

/**
 * Patch dropout: while training max(1, ⌊P·(1 − rate)⌋ ) patches of each image stay, drawn without replacement, [B, N, C] → [B, N', C].
 *
 * The draw is a pure function of `context.rng` and the path. Values are not scaled. Where it does not act, it gives the input
 * itself.
 *
 * Source: Liu et al. 2023, "PatchDropout"; Li et al. 2023, "FLIP"; timm/layers/patch_dropout.py.
 *
 * @example new PatchDropout({rate: 0.5}, {path: 'patch_drop'}).forward(tokens, {training: true, rng: new Rng(0)});
 */
export class PatchDropout extends Drop {
  readonly numPrefixTokens: number;
  readonly ordered: boolean;
  readonly subsets: boolean;

  constructor(config: PatchDropoutConfig, scope: PathScope) {
    assertFields('PatchDropout', config, {
      rate: 'rate',
      ordered: 'boolean?',
      subsets: 'boolean?',
    });
    const { rate, numPrefixTokens = 1, ordered = false, subsets = false } = config;
    super(rate, scope);
    if (rate === 1) throw new InputError(expected('a number below 1', 'rate', rate));
    assertInteger('numPrefixTokens', numPrefixTokens, { min: 0 });
    this.numPrefixTokens = numPrefixTokens;
    this.ordered = ordered;
    this.subsets = subsets;
  }

  override acts(context: ForwardContext): boolean {
    return super.acts(context) || (this.subsets && context.training === true);
  }

  /** @throws InputError if it has to draw and `context.rng` is missing; ShapeError if x is not [B, N, C] */
  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    if (!this.acts(context)) return x;
    assertRank('x', x, 3);
    const [batch, tokens, dim] = x.shape;
    const prefix = this.numPrefixTokens;
    const kept = this.keepIndices(batch, tokens - prefix, context);
    return t.tidy(() => {
      // One gather of rows, the prefix among them.
      const rows = kept.flatMap((patches, image) => [
        ...Array.from({ length: prefix }, (_, i) => image * tokens + i),
        ...patches.map((patch) => image * tokens + prefix + patch),
      ]);
      const flat = t.reshape<tf.Rank.R2>(x, [batch * tokens, dim]);
      const taken = takeRows(flat, rows);
      return t.reshape<tf.Rank.R3>(taken, [batch, rows.length / batch, dim]);
    });
  }

  /** The patches of each image that stay, by their numbers from 0. @throws InputError as `forward` */
  keepIndices(batch: number, patches: number, context: ForwardContext): number[][] {
    const draws = this.draws(context);
    const count = this.count(patches, draws);
    const keys = new Float64Array(patches);
    return Array.from({ length: batch }, () => {
      // The number of the patch is in the low digits, so that sorting the keys sorts the patches.
      for (let i = 0; i < patches; i += 1) keys[i] = draws.uint32() * patches + i;
      const kept = Array.from(keys.sort().subarray(0, count), (key) => key % patches);
      return this.ordered ? kept.sort((a, b) => a - b) : kept;
    });
  }

  // How many patches stay; without a prefix token one has to.
  private count(patches: number, draws: Rng): number {
    if (!this.subsets) return Math.max(1, Math.trunc(patches * (1 - this.rate)));
    const drawn = Math.floor((draws.uint32() / 2 ** 32) * (patches + 1));
    return this.numPrefixTokens > 0 ? drawn : Math.max(1, drawn);
  }
}
