// The grid of patches, position embeddings and block numbers of a Vision Transformer.

import { assertKind } from '../../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { assertInteger, assertShape, assertTensor } from '../../core/check.ts';
import type { ForwardContext } from '../../core/context.ts';
import { ShapeError, expected } from '../../core/errors.ts';
import { step } from '../../core/intercept.ts';
import { posEmbedFor } from '../../layers/posEmbed.ts';
import { sincos1d, sincos2d } from '../../layers/sincosEmbed.ts';
import { repeatForBatch } from '../../ops/repeatForBatch.ts';
import { gridSizeOf, placedPrefix, type VisionTransformerConfig } from './config.ts';

export { placedPrefix };

/** Images as a tensor whose shape `imageGrid` checks. @throws InputError if they are no tensor of real numbers */
export function asImages(images: tf.Tensor): tf.Tensor4D {
  assertTensor('images', images);
  return images as tf.Tensor4D;
}

/**
 * The rows and columns of patches that images make.
 *
 * @throws ShapeError if the images are not [B, H, W, I] of the configured size, or with `dynamicImageSize` of whole patches
 */
export function imageGrid(images: tf.Tensor4D, config: VisionTransformerConfig): [number, number] {
  const { imageSize, patchSize, inChannels, dynamicImageSize } = config;
  if (!dynamicImageSize) {
    assertShape('images', images, [-1, ...imageSize, inChannels]);
    return gridSizeOf(config);
  }
  assertShape('images', images, [-1, -1, -1, inChannels]);
  const [, height, width] = images.shape;
  if (height === 0 || width === 0 || height % patchSize[0] !== 0 || width % patchSize[1] !== 0) {
    const whole = `height and width in multiples of patchSize ${patchSize.join('×')}`;
    throw new ShapeError(expected(whole, 'images', images.shape));
  }
  return [height / patchSize[0], width / patchSize[1]];
}

/**
 * Adds the position embedding to all tokens; with `noEmbedClass`, x holds the patches alone.
 *
 * 'sincos1d' counts all tokens that it is added to, the class token first. 'sincos2d' leaves prefix tokens as they are, because
 * they have no place on the grid, as in MoCo v3 and MAE.
 *
 * @param x        [B, N, C]
 * @param learned  [1, N', C] at the configured grid, when there is one
 * @param grid     rows and columns of this pass
 * @param context  an interceptor knows the sum as the step `pos_embed.sum`, of x and the embedding [1, N, C]
 */
export function addPosition(
  x: tf.Tensor3D,
  learned: tf.Tensor3D | undefined,
  grid: readonly [number, number],
  config: VisionTransformerConfig,
  context: ForwardContext = {},
): tf.Tensor3D {
  const { posEmbed: kind, embedDim } = config;
  const prefix = placedPrefix(config);
  const tokens = prefix + grid[0] * grid[1];
  if (kind === 'none') return x;
  if (learned !== undefined) {
    const own = posEmbedFor(learned, { prefix, from: gridSizeOf(config), to: grid });
    // For a batch of none tfjs does not know the gradient of what it spreads.
    return place(x, x.shape[0] === 0 ? repeatForBatch(own, 0) : own, context);
  }
  const shape: [number, number, number] = [1, tokens, embedDim];
  if (kind === 'sincos1d') {
    return place(x, t.tensor3d(sincos1d(tokens, embedDim), shape), context);
  }
  const table = new Float32Array(tokens * embedDim);
  table.set(sincos2d(grid, embedDim), prefix * embedDim);
  return place(x, t.tensor3d(table, shape), context);
}

function place(x: tf.Tensor3D, embedding: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
  return step('pos_embed.sum', [x, embedding] as const, context, (a, b) =>
    t.add<tf.Tensor3D>(a, b),
  );
}

/**
 * Block numbers in rising order without repeats: of a list, negative ones from the end; of a number n, the last n; else all.
 *
 * @throws InputError for a number the model has no block for
 */
export function blockNumbers(
  indices: number | readonly number[] | undefined,
  depth: number,
): Set<number> {
  if (indices === undefined) return new Set(Array.from({ length: depth }, (_, i) => i));
  if (typeof indices === 'number') {
    assertInteger('indices', indices, { min: 1, max: depth });
    return new Set(Array.from({ length: indices }, (_, i) => depth - indices + i));
  }
  assertKind('indices', indices, 'list');
  const numbers = indices.map((index) => {
    assertInteger('indices', index, { min: -depth, max: depth - 1 });
    return index < 0 ? depth + index : index;
  });
  return new Set(numbers.sort((a, b) => a - b));
}
