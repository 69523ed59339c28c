// Kernels of images with channels first, by way of copies with channels last.

import type * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../nativeBackend.ts';
import { transposed } from './layout.ts';

/** The shape [B, H, W, C] of images of the shape [B, C, H, W]. */
export function shapeWithChannelsLast([batch, channels, height, width]: number[]): number[] {
  return [batch!, height!, width!, channels!];
}

/** The padding for channels last that equals a padding for channels first. */
export function padWithChannelsLast(pad: tf.Conv2DAttrs['pad']): tf.Conv2DAttrs['pad'] {
  return Array.isArray(pad) ? [pad[0], pad[2], pad[3], pad[1]] : pad;
}

/** Returns the result of `body` for copies of images [B, C, H, W] with their channels last. */
export function withChannelsLast<T>(
  backend: NativeBackend,
  images: readonly tf.TensorInfo[],
  body: (...copies: tf.TensorInfo[]) => T,
): T {
  const copies = images.map((image) => transposed(backend, image, [0, 2, 3, 1]));
  const out = body(...copies);
  for (const copy of copies) backend.disposeIntermediateTensorInfo(copy);
  return out;
}

/** Copies images [B, H, W, C] to [B, C, H, W] and disposes them. */
export function channelsFirst(
  backend: NativeBackend,
  images: tf.TensorInfo | undefined,
): tf.TensorInfo | undefined {
  if (images === undefined) return undefined;
  const out = transposed(backend, images, [0, 3, 1, 2]);
  backend.disposeIntermediateTensorInfo(images);
  return out;
}
