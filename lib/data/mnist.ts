import { MemoryDataset } from './dataset.ts';

/** MNIST's ten classes. */
export const MNIST_CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

/**
 * MNIST as a data set: 28 × 28 grey images, 10 classes, 60,000 to train on and 10,000 to test.
 *
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998).
 */
export function mnistDataset(files: { images: Uint8Array; labels: Uint8Array }): MemoryDataset {
  return new MemoryDataset({ ...files, imageShape: [28, 28, 1], classNames: MNIST_CLASSES });
}
