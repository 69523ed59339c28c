// Images as patches, by the function name that tutorials on Vision Transformers use.

import * as tf from '@tensorflow/tfjs';
import { assertKind } from '../core/kinds.ts';
import { assertTensor } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';
import { patchify } from './patchify.ts';

/**
 * Cuts images into patches, row by row.
 *
 * @param images     [B, H, W, I], or one image [H, W, I], which counts as a batch of one
 * @param patchSize  in pixels, one number or [height, width]; it divides the size of the images
 * @param options.flattenChannels  default true: each patch is a vector in the order of `patchify`; false: a small image
 * @returns [B, P, I·ph·pw], or [B, P, ph, pw, I]
 * @throws ShapeError if the patch size does not divide the image size
 *
 * Source: `img_to_patch` of the UvA Deep Learning Tutorial 15, which puts channels first.
 *
 * @example
 * imgToPatch(images, 7).shape;                              // [B, 16, 49] for MNIST
 * imgToPatch(image, 16, {flattenChannels: false}).shape;    // [1, 196, 16, 16, 3] for an image of 224 × 224
 */
export function imgToPatch(
  images: tf.Tensor3D | tf.Tensor4D,
  patchSize: number | readonly [number, number],
  options?: { flattenChannels?: true },
): tf.Tensor3D;
export function imgToPatch(
  images: tf.Tensor3D | tf.Tensor4D,
  patchSize: number | readonly [number, number],
  options: { flattenChannels: false },
): tf.Tensor5D;
export function imgToPatch(
  images: tf.Tensor3D | tf.Tensor4D,
  patchSize: number | readonly [number, number],
  options: { flattenChannels?: boolean } = {},
): tf.Tensor3D | tf.Tensor5D {
  assertTensor('images', images);
  assertKind('options of imgToPatch', options, 'instance');
  const { flattenChannels = true } = options;
  assertKind('flattenChannels', flattenChannels, 'boolean');
  if (images.rank !== 3 && images.rank !== 4) {
    throw new ShapeError(expected('[B, H, W, I] or [H, W, I]', 'images', images.shape));
  }
  const sides: unknown = typeof patchSize === 'number' ? [patchSize, patchSize] : patchSize;
  assertKind('patchSize', sides, 'list');
  const [patchHeight, patchWidth] = sides as [number, number];
  return tf.tidy(() => {
    const batch = (images.rank === 3 ? tf.expandDims(images) : images) as tf.Tensor4D;
    const patches = patchify(batch, { patchHeight, patchWidth });
    if (flattenChannels) return patches;
    const [size, count] = patches.shape;
    const channels = batch.shape[3];
    const planes = tf.reshape(patches, [size * count, channels, patchHeight * patchWidth]);
    const pixels = tf.transpose(planes, [0, 2, 1]);
    return tf.reshape<tf.Rank.R5>(pixels, [size, count, patchHeight, patchWidth, channels]);
  });
}
