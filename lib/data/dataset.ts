// Data sets: labelled images by index.

import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';

/**
 * Labelled images by index. Reading the same index again gives the same image.
 *
 * @property imageShape  [H, W, C] of every image, before any transform; undefined where images differ in size
 */
export interface Dataset {
  readonly length: number;
  readonly numClasses: number;
  readonly classNames: readonly string[];
  readonly imageShape?: readonly [number, number, number] | undefined;
  /** The image of an index in 0 … length − 1; the caller may not write to its bytes. */
  image(index: number): RgbImage | Promise<RgbImage>;
  /** The class of an index, 0 … numClasses − 1. */
  label(index: number): number;
}

/**
 * A data set whose images lie side by side in memory, as MNIST's do.
 *
 * @property images  [n, H, W, C], 0 … 255
 * @property labels  [n], kept as int32
 * @throws InputError if the sizes disagree or a label is not a class
 */
export interface MemoryDatasetConfig {
  images: Uint8Array;
  labels: Uint8Array | Int32Array | readonly number[];
  imageShape: readonly [number, number, 1 | 3];
  classNames: readonly string[];
}

/** A `Dataset` over arrays; images are views, only labels are copied. */
export class MemoryDataset implements Dataset {
  readonly length: number;
  readonly numClasses: number;
  readonly classNames: readonly string[];
  readonly imageShape: readonly [number, number, 1 | 3];
  private readonly images: Uint8Array;
  private readonly labels: Int32Array;

  constructor({ images, labels, imageShape, classNames }: MemoryDatasetConfig) {
    const pixels = imageShape[0] * imageShape[1] * imageShape[2];
    if (images.length !== labels.length * pixels) {
      throw new InputError(
        expected(`${labels.length} images of ${pixels} bytes`, 'images', `${images.length} bytes`),
      );
    }
    labels.forEach((label, index) => assertLabel(label, index, classNames.length));
    this.images = images;
    this.labels = Int32Array.from(labels);
    this.imageShape = imageShape;
    this.classNames = classNames;
    this.numClasses = classNames.length;
    this.length = labels.length;
  }

  image(index: number): RgbImage {
    const [height, width, channels] = this.imageShape;
    const size = height * width * channels;
    return {
      width,
      height,
      channels,
      data: this.images.subarray(index * size, (index + 1) * size),
    };
  }

  label(index: number): number {
    return this.labels[index]!;
  }
}

/** Throws unless a label is a class, 0 … K − 1, naming the index of its image. */
export function assertLabel(label: number, index: number, K: number): void {
  if (Number.isInteger(label) && label >= 0 && label < K) return;
  throw new InputError(expected(`a class from 0 to ${K - 1}`, `label ${index}`, label));
}

/** The images of the given indices, in their order, over the same bytes. */
export function subset(dataset: Dataset, indices: Uint32Array): Dataset {
  const { numClasses, classNames, imageShape } = dataset;
  return {
    length: indices.length,
    numClasses,
    classNames,
    imageShape,
    image: (i) => dataset.image(indices[i]!),
    label: (i) => dataset.label(indices[i]!),
  };
}

/** The first `count` images of a data set, over the same bytes; all of one that has fewer. */
export function firstImages(dataset: Dataset, count: number): Dataset {
  if (count >= dataset.length) return dataset;
  return subset(
    dataset,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
}
