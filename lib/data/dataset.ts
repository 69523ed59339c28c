// Data sets: labelled images by index.

import { assertInteger, isRecord, sizeOf } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';
import type { RgbImage } from '../core/image.ts';
import type { LabelledBox } from './objects.ts';

/**
 * An image as plain data, from which a worker thread makes it: the name of the reader that does, and what it needs.
 *
 * @example const source: ImageSource = {reader: 'file', file: '/photos/cat/1.jpg', mode: 'pil', channels: 3};
 */
export interface ImageSource {
  readonly reader: string;
  readonly [detail: string]: unknown;
}

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
  /**
   * The image of an index as plain data that a worker thread can read; a data set without it is read in the thread that has it.
   *
   * @param failures  the errors of the files that were tried for this index before, the first first: another one stands in
   * @throws what `image` would throw where none is left
   */
  source?(index: number, failures?: readonly Error[]): ImageSource;
  /**
   * A number of each image, [n], that follows from its content, by which images are held out: the same ones wherever they lie and
   * whatever their order is. Equal numbers are copies. Default: the index.
   */
  contentKeys?(): Promise<Float64Array>;
  /** The objects of the image of an index, of a data set for detection; boxes are shares of the image as `image` gives it. */
  objects?(index: number): readonly LabelledBox[];
  /** A sentence about the image of an index, of a data set with captions. */
  caption?(index: number): string;
  /** Where the image of an index is, for a person: its file below the folder. Data sets without files do not have it. */
  file?(index: number): string;
}

/**
 * A data set whose images lie side by side in memory, as MNIST's do.
 *
 * @property images      [n, H, W, C], levels from 0 to 255. Bytes are used as they are; other numbers must be whole and are copied
 * @property labels      [n], whole numbers from 0 to K − 1, kept as int32
 * @property imageShape  [H, W, C], C = 1 (grey) or 3 (RGB)
 * @property classNames  [K]
 */
export interface MemoryDatasetConfig {
  images: Uint8Array | Uint8ClampedArray | ArrayLike<number>;
  labels: ArrayLike<number>;
  imageShape: readonly [number, number, 1 | 3];
  classNames: readonly string[];
}

/**
 * A `Dataset` over arrays; images are views of bytes, only labels are copied.
 *
 * @throws InputError naming the argument, and the index of the first label or level that cannot be used
 */
export class MemoryDataset implements Dataset {
  readonly length: number;
  readonly numClasses: number;
  readonly classNames: readonly string[];
  readonly imageShape: readonly [number, number, 1 | 3];
  private readonly images: Uint8Array;
  private readonly labels: Int32Array;

  constructor(config: MemoryDatasetConfig) {
    if (!isRecord(config)) {
      throw new InputError(expected('an object', 'MemoryDataset', config));
    }
    const { images, labels, imageShape, classNames } = config;
    assertClassNames(classNames);
    const pixels = pixelsOf(imageShape);
    assertNumbers('labels', labels);
    assertNumbers('images', images);
    if (images.length !== labels.length * pixels) {
      throw new InputError(
        expected(`${labels.length} images of ${pixels} bytes`, 'images', `${images.length} bytes`),
      );
    }
    for (let i = 0; i < labels.length; i += 1) assertLabel(labels[i]!, i, classNames.length);
    this.images = bytesOf(images, pixels);
    this.labels = Int32Array.from(labels);
    this.imageShape = imageShape;
    this.classNames = classNames;
    this.numClasses = classNames.length;
    this.length = labels.length;
  }

  image(index: number): RgbImage {
    assertInteger('the index of an image', index, { min: 0, max: this.length - 1 });
    const [height, width, channels] = this.imageShape;
    const size = height * width * channels;
    return {
      width,
      height,
      channels,
      data: this.images.subarray(index * size, (index + 1) * size),
    };
  }

  source(index: number): ImageSource {
    const { data, ...sizes } = this.image(index);
    // A view would be sent with all the bytes that it is a part of.
    return { reader: 'pixels', ...sizes, data: data.slice() };
  }

  label(index: number): number {
    assertInteger('the index of a label', index, { min: 0, max: this.length - 1 });
    return this.labels[index]!;
  }
}

function assertClassNames(names: unknown): void {
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) {
    return;
  }
  throw new InputError(expected('a list of names, one a class', 'classNames', names));
}

function pixelsOf(shape: unknown): number {
  const sound =
    Array.isArray(shape) &&
    shape.length === 3 &&
    shape.every((size) => Number.isSafeInteger(size) && (size as number) > 0);
  if (!sound) {
    throw new InputError(expected('[H, W, C], whole numbers from 1', 'imageShape', shape));
  }
  return sizeOf(shape as number[]);
}

// A list or a typed array of numbers; bigint arrays and views without a length are none.
function assertNumbers(name: string, values: unknown): asserts values is ArrayLike<number> {
  const isTyped = ArrayBuffer.isView(values) && 'length' in values;
  const kind = Object.prototype.toString.call(values);
  if (Array.isArray(values) || (isTyped && !kind.includes('Big'))) return;
  const received = ArrayBuffer.isView(values) ? kind.slice(8, -1) : values;
  throw new InputError(expected('an array of numbers', name, received));
}

// Levels as bytes. Floats from 0 to 1 would be divided by 255 once more when they are normalised.
function bytesOf(images: ArrayLike<number>, pixels: number): Uint8Array {
  const kind = Object.prototype.toString.call(images);
  if (kind === '[object Uint8Array]') return images as Uint8Array;
  if (kind === '[object Uint8ClampedArray]') {
    const { buffer, byteOffset, length } = images as Uint8ClampedArray;
    return new Uint8Array(buffer, byteOffset, length);
  }
  const remedy = 'Multiply floats from 0 to 1 by 255 and round them.';
  let most = 0;
  const bytes = new Uint8Array(images.length);
  for (let i = 0; i < images.length; i += 1) {
    const level: unknown = images[i];
    if (typeof level !== 'number' || !Number.isInteger(level) || level < 0 || level > 255) {
      const where = `element ${i % pixels} of image ${Math.floor(i / pixels)}`;
      throw new InputError(expected('a whole level from 0 to 255', where, level, remedy));
    }
    bytes[i] = level;
    most = Math.max(most, level);
  }
  if (most === 1) {
    throw new InputError(expected('levels from 0 to 255', 'images', 'none above 1', remedy));
  }
  return bytes;
}

/** Throws unless a label is a class, 0 … K − 1, naming the index of its image. */
export function assertLabel(label: number, index: number, K: number): void {
  if (Number.isInteger(label) && label >= 0 && label < K) return;
  throw new InputError(expected(`a class from 0 to ${K - 1}`, `label ${index}`, label));
}

/** Throws unless a value has what a loader asks a data set for. */
export function assertDataset(name: string, dataset: unknown): asserts dataset is Dataset {
  const { length, numClasses, classNames, image, label } =
    (dataset as Partial<Dataset> | null | undefined) ?? {};
  assertInteger(`the length of ${name}`, length, { min: 0, max: 2 ** 32 });
  assertInteger(`numClasses of ${name}`, numClasses, { min: 0 });
  if (!Array.isArray(classNames) || classNames.length !== numClasses) {
    const received = Array.isArray(classNames) ? `${classNames.length} names` : classNames;
    const what = `${numClasses} names, one for each class,`;
    throw new InputError(expected(what, `classNames of ${name}`, received));
  }
  for (const [method, value] of Object.entries({ image, label })) {
    if (typeof value === 'function') continue;
    throw new InputError(expected('a function', `${method} of ${name}`, value));
  }
}

/**
 * The images of the given indices, in their order, over the same bytes. An index may stand more than once.
 *
 * @throws InputError naming an index that the data set does not have
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  assertDataset('the data set', dataset);
  assertKind('the indices', indices, 'array');
  for (let i = 0; i < indices.length; i += 1) {
    const index = indices[i]!;
    if (Number.isInteger(index) && index >= 0 && index < dataset.length) continue;
    throw new InputError(
      expected(`an index from 0 to ${dataset.length - 1}`, `indices[${i}]`, index),
    );
  }
  const { numClasses, classNames, imageShape } = dataset;
  return {
    length: indices.length,
    numClasses,
    classNames,
    imageShape,
    image: (i) => dataset.image(indices[i]!),
    label: (i) => dataset.label(indices[i]!),
    ...(dataset.source && {
      source: (i: number, failures?: readonly Error[]) => dataset.source!(indices[i]!, failures),
    }),
    ...(dataset.objects && { objects: (i: number) => dataset.objects!(indices[i]!) }),
    ...(dataset.caption && { caption: (i: number) => dataset.caption!(indices[i]!) }),
    ...(dataset.file && { file: (i) => dataset.file!(indices[i]!) }),
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
