// Convolution and max pooling with rows and columns of padding given by number, as PyTorch counts them.

import * as tf from '@tensorflow/tfjs';

/**
 * The cross-correlation of images with a kernel: [B, H, W, I] → [B, ⌊(H + 2·padding − kh)/stride⌋ + 1, …, O].
 *
 * @param kernel   [kh, kw, I, O]
 * @param padding  rows and columns of zeros on each side
 */
export function conv2d(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  stride: number,
  padding: number,
): tf.Tensor4D {
  if (!padsBefore(padding)) return tf.conv2d(x, kernel, stride, padding);
  return tf.tidy(() => tf.conv2d(padImages(x, padding, 0), kernel, stride, 'valid'));
}

/**
 * The maximum of each window: [B, H, W, C] → [B, ⌊(H + 2·padding − size)/stride⌋ + 1, …, C].
 *
 * @param padding  rows and columns on each side, which no maximum comes from; at most half of `size`
 */
export function maxPool(
  x: tf.Tensor4D,
  size: number,
  stride: number,
  padding: number,
): tf.Tensor4D {
  if (!padsBefore(padding)) return tf.maxPool(x, size, stride, padding);
  return tf.tidy(() => tf.maxPool(padImages(x, padding, -Infinity), size, stride, 'valid'));
}

/** The kernels of tfjs-node 4.22 know 'same' and 'valid' only; other backends pad as they compute and need no copy. */
function padsBefore(padding: number): boolean {
  return padding > 0 && tf.getBackend() === 'tensorflow';
}

function padImages(x: tf.Tensor4D, padding: number, value: number): tf.Tensor4D {
  const sides: [number, number] = [padding, padding];
  return tf.pad4d(x, [[0, 0], sides, sides, [0, 0]], value);
}
