// The outputs of a model for every subset of its patches, by leaving tokens out.

import type * as tf from '@tensorflow/tfjs';
import { Capture } from '../../core/capture.ts';
import type { ForwardContext } from '../../core/context.ts';
import { assertInteger } from '../../core/check.ts';
import { assertFields } from '../../core/kinds.ts';
import { InputError, ShapeError, expected } from '../../core/errors.ts';
import type { Precision } from '../../core/precision.ts';
import type { Model } from '../../models/model.ts';
import { runBlocks, type ResidualBlock } from '../../ops/runBlocks.ts';
import * as t from '../../ops/tensor.ts';
import { assertAttentionModel, type AttentionModel } from '../attentionModel.ts';

/** A model whose blocks take any number of tokens, with the part of a pass after the embedding. */
interface TokenModel extends AttentionModel {
  readonly blocks: { readonly items: readonly ResidualBlock[] };
  readonly norm?: { forward(x: tf.Tensor3D): tf.Tensor3D } | undefined;
  forwardHead(features: tf.Tensor3D, context?: ForwardContext): tf.Tensor2D;
}

/**
 * The logits of a model for every subset of the patches of one image.
 *
 * @property players  n, the patches
 * @property classes  K
 * @property logits   [2ⁿ, K]: row s is that of the subset whose patch i is there where bit i of s is 1
 */
export interface Coalitions {
  players: number;
  classes: number;
  logits: Float32Array;
}

/**
 * The options of `coalitionLogits`.
 *
 * @property done       rows that were computed before, as `onSize` gave them: sizes below `done.sizes` are taken from there
 * @property onSize     called when all subsets of a size are computed, with all rows so far, so that they can be stored
 * @property tokens     tokens in one pass at most; default 32,768
 * @property precision  of the products; default fp32
 */
export interface CoalitionOptions {
  done?: { sizes: number; logits: Float32Array };
  onSize?: (sizes: number, logits: Float32Array) => void | Promise<void>;
  tokens?: number;
  precision?: Precision;
}

const mostPlayers = 16;

/**
 * Computes the logits of every subset of the patches of one image, subsets of equal size in one batch.
 *
 * A patch that is not there has no token, so attention does not know of it. For n patches these are 2ⁿ passes, at most 2¹⁶.
 *
 * @param image  [1, H, W, C], normalised
 * @throws InputError for more than 16 patches, and for a model that does not classify a class token: an image without patches has no
 *   mean over patches
 */
export async function coalitionLogits(
  model: Model,
  image: tf.Tensor4D,
  options: CoalitionOptions = {},
): Promise<Coalitions> {
  assertFields('the options of coalitionLogits', options, { done: 'object?', onSize: 'function?' });
  const { done, onSize, tokens = 32_768, precision = 'fp32' } = options;
  assertTokenModel(model);
  assertInteger('tokens', tokens, { min: 64 });
  if (image.rank !== 4 || image.shape[0] !== 1) {
    throw new ShapeError(expected('one image [1, H, W, C]', 'image', image.shape));
  }
  const { input, prefix } = embedded(model, image, precision);
  try {
    const players = input.shape[0] - prefix;
    assertInteger('the number of patches', players, {
      min: 1,
      max: mostPlayers,
      remedy: 'Every subset of them is computed.',
    });
    const classes = model.numClasses;
    const logits = new Float32Array(2 ** players * classes);
    const sizes = done?.sizes ?? 0;
    if (done !== undefined) {
      if (done.logits.length !== logits.length) {
        throw new ShapeError(
          expected(`${logits.length} values`, 'done.logits', done.logits.length),
        );
      }
      logits.set(done.logits);
    }
    const bySize = subsetsBySize(players);
    for (let size = sizes; size <= players; size += 1) {
      const subsets = bySize[size]!;
      const batch = Math.max(1, Math.floor(tokens / (prefix + size)));
      for (let from = 0; from < subsets.length; from += batch) {
        const part = subsets.slice(from, from + batch);
        const output = t.tidy(() => headOf(model, pick(input, part, { prefix, size }), precision));
        const values = await output.data();
        output.dispose();
        part.forEach((subset, i) => {
          for (let k = 0; k < classes; k += 1) {
            logits[subset * classes + k] = values[i * classes + k]!;
          }
        });
      }
      await onSize?.(size + 1, logits);
    }
    return { players, classes, logits };
  } finally {
    input.dispose();
  }
}

/** The subsets of n players by their size, each as a number whose bit i stands for player i. */
export function subsetsBySize(players: number): number[][] {
  const bySize: number[][] = Array.from({ length: players + 1 }, () => []);
  for (let subset = 0; subset < 2 ** players; subset += 1) {
    let size = 0;
    for (let rest = subset; rest > 0; rest &= rest - 1) size += 1;
    bySize[size]!.push(subset);
  }
  return bySize;
}

// The tokens before the first block, [N, C], with all patches there.
function embedded(
  model: TokenModel,
  image: tf.Tensor4D,
  precision: Precision,
): { input: tf.Tensor2D; prefix: number } {
  const capture = new Capture(['blocks.input'], { onWarning: () => undefined });
  try {
    t.dispose(t.tidy(() => model.forward(image, { intercept: capture, precision })));
    const tokens = capture.get('blocks.input');
    const input = t.tidy(() => t.reshape<tf.Rank.R2>(tokens, [tokens.shape[1]!, tokens.shape[2]!]));
    return { input, prefix: model.numPrefixTokens };
  } finally {
    capture.dispose();
  }
}

function pick(
  input: tf.Tensor2D,
  subsets: readonly number[],
  { prefix, size }: { prefix: number; size: number },
): tf.Tensor3D {
  const count = prefix + size;
  const rows = new Int32Array(subsets.length * count);
  let at = 0;
  for (const subset of subsets) {
    for (let i = 0; i < prefix; i += 1) rows[at++] = i;
    for (let i = 0; subset >> i > 0; i += 1) if ((subset >> i) & 1) rows[at++] = prefix + i;
  }
  const picked = t.gather(input, t.tensor1d(rows, 'int32'));
  return t.reshape(picked, [subsets.length, count, input.shape[1]]);
}

function headOf(model: TokenModel, tokens: tf.Tensor3D, precision: Precision): tf.Tensor2D {
  const context = { precision };
  const mixed = runBlocks(model.blocks.items, tokens, context);
  return model.forwardHead(model.norm?.forward(mixed) ?? mixed, context);
}

function assertTokenModel(model: Model): asserts model is TokenModel {
  assertAttentionModel(model);
  const { blocks, forwardHead } = model as Partial<TokenModel>;
  const whole = Array.isArray(blocks?.items) && typeof forwardHead === 'function';
  const reads = model.hasClassToken && (model.globalPool ?? 'token') === 'token';
  if (whole && reads && model.numClasses > 0) return;
  const remedy = 'An image without patches has nothing else to classify.';
  throw new InputError(
    expected('a Vision Transformer that classifies its class token', 'model', model.family, remedy),
  );
}
