// MNIST: its classes, its data set in memory, and the adaptation of other images to its digits.

import type { RgbImage } from '../core/image.ts';
import { MemoryDataset } from './dataset.ts';
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

/** Adapts an image to MNIST's digits, which are light on dark: an image with a light border is inverted. */
export function adaptToMnist(image: RgbImage): AdaptedImage {
  if (borderLevel(image) <= 127) return { image };
  return {
    image: { ...image, data: image.data.map((value) => 255 - value) },
    note: "The image is dark on light: inverted, as MNIST's digits are light on dark.",
  };
}

// The mean level of the outermost pixels, which show the paper.
function borderLevel({ width, height, channels, data }: RgbImage): number {
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y += 1) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) {
      sum += data[(y * width + x) * channels]!;
      count += 1;
    }
  }
  return sum / count;
}
