// MNIST: its classes, its data set in memory, and the adaptation of other images to its digits.

import { assertImage, type RgbImage } from '../core/image.ts';
import { MemoryDataset } from './dataset.ts';
import { adaptDigit } from './digit/adaptDigit.ts';
import { invert } from './pixels/tables.ts';
import type { AdaptedImage } from './registry.ts';

/** MNIST's ten classes. */
export const MNIST_CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

/**
 * MNIST as a data set: 28 × 28 grey images, 10 classes, 60,000 to train on and 10,000 to test.
 *
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998).
 */
export function mnistDataset(files: {
  images: Uint8Array;
  labels: Uint8Array | Int32Array;
}): MemoryDataset {
  return new MemoryDataset({ ...files, imageShape: [28, 28, 1], classNames: MNIST_CLASSES });
}

/**
 * Adapts an image to MNIST's digits, which are light on dark, 20 pixels high, in the middle of 28 × 28.
 *
 * An image of 28 × 28 that is light on dark stays as it is, and one that is its negative is inverted. Any other is taken for a
 * photograph or a drawing: the shading of the paper is subtracted, the ink found, and the digit normalised as MNIST's authors did.
 * `note` says so, and warns where this is probably not one digit.
 */
export function adaptToMnist(image: RgbImage): AdaptedImage {
  assertImage('image', image);
  if (isMnistLike(image, false)) return { image };
  if (isMnistLike(image, true)) {
    return {
      image: invert(image),
      note: "The image is dark on light: inverted, as MNIST's digits are light on dark.",
    };
  }
  return adaptDigit(image);
}

// An image of MNIST's size whose paper is black, or white in a negative: the outermost pixels, and most others.
function isMnistLike({ width, height, channels, data }: RgbImage, isNegative: boolean): boolean {
  if (width !== 28 || height !== 28 || channels !== 1) return false;
  const level = (i: number): number => (isNegative ? 255 - data[i]! : data[i]!);
  let [border, paper] = [0, 0];
  for (let i = 0; i < data.length; i += 1) {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (x === 0 || y === 0 || x === 27 || y === 27) border += level(i) / 108;
    if (level(i) < 16) paper += 1;
  }
  return border < 16 && paper > 0.4 * data.length;
}
