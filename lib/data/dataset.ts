import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';

/**
 * Labelled images by index. Reading the same index again gives the same image.
 *
 * @property imageShape  [H, W, C] of every image, before any transform
 */
export interface Dataset {
  readonly length: number;
  readonly numClasses: number;
  readonly classNames: readonly string[];
  readonly imageShape: readonly [number, number, number];
  /** The image of an index in 0 … length − 1; the caller may not write to its bytes. */
  image(index: number): RgbImage | Promise<RgbImage>;
  /** The class of an index, 0 … numClasses − 1. */
  label(index: number): number;
}

/**
 * A data set whose images lie side by side in memory, as MNIST's do.
 *
 * @property images  [n, H, W, C], 0 … 255
 * @property labels  [n]
 * @throws InputError if the sizes disagree or a label is not a class
 */
export interface MemoryDatasetConfig {
  images: Uint8Array;
  labels: Uint8Array;
  imageShape: readonly [number, number, 1 | 3];
  classNames: readonly string[];
}

/** A `Dataset` over arrays; images are views, nothing is copied. */
export class MemoryDataset implements Dataset {
  readonly length: number;
  readonly numClasses: number;
  readonly classNames: readonly string[];
  readonly imageShape: readonly [number, number, 1 | 3];
  private readonly images: Uint8Array;
  private readonly labels: Uint8Array;

  constructor({ images, labels, imageShape, classNames }: MemoryDatasetConfig) {
    const pixels = imageShape[0] * imageShape[1] * imageShape[2];
    if (images.length !== labels.length * pixels) {
      throw new InputError(
        expected(`${labels.length} images of ${pixels} bytes`, 'images', `${images.length} bytes`),
      );
    }
    const bad = labels.findIndex((label) => label >= classNames.length);
    if (bad >= 0) {
      throw new InputError(
        expected(`a class below ${classNames.length}`, `label ${bad}`, labels[bad]),
      );
    }
    this.images = images;
    this.labels = labels;
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

/** The first `count` images of a data set, over the same bytes; all of one that has fewer. */
export function firstImages(dataset: Dataset, count: number): Dataset {
  if (count >= dataset.length) return dataset;
  const { numClasses, classNames, imageShape } = dataset;
  return {
    length: count,
    numClasses,
    classNames,
    imageShape,
    image: (index) => dataset.image(index),
    label: (index) => dataset.label(index),
  };
}
