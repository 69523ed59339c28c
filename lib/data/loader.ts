import { assertInteger, assertNumber, sizeOf } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import { Rng } from '../core/rng.ts';
import type { Dataset } from './dataset.ts';
import { assertNormalization, normalizeInto } from './normalize.ts';
import type { Normalization } from './normalize.ts';
import { applyTransforms } from './transform.ts';
import type { Transform } from './transform.ts';

/**
 * The samples of one update.
 *
 * @property images   [B, H, W, C], normalised
 * @property targets  [B, K], each row sums to 1
 * @property labels   [B], the classes before smoothing
 * @property indices  [B], where in the data set the samples come from
 */
export interface Batch {
  size: number;
  images: Float32Array;
  imageShape: readonly [number, number, number];
  targets: Float32Array;
  labels: Int32Array;
  indices: Uint32Array;
}

/**
 * What a loader draws its batches from, and how.
 *
 * @property batchSize   samples an update
 * @property seed        of the order and of the transforms
 * @property training    true: shuffled anew each epoch, transforms applied; false: in order, as they are
 * @property transforms  applied to each image when training
 * @property smoothing   ε of label smoothing, 0 … 1: target = 1 − ε + ε/K for the class, ε/K for the others; default 0
 * @property dropLast    true: leave out the last batch of an epoch when it is not full; default false
 */
export interface LoaderConfig {
  dataset: Dataset;
  batchSize: number;
  normalize: Normalization;
  seed?: number;
  training?: boolean;
  transforms?: readonly Transform[];
  smoothing?: number;
  dropLast?: boolean;
}

/**
 * Batches of a data set, each a pure function of (seed, epoch, step).
 *
 * So a run that goes on in the middle of an epoch sees what it would have seen, and any past batch can be looked at again.
 *
 * @throws InputError if the data set is empty or smaller than one batch
 * @example
 * const loader = new Loader({dataset, batchSize: 128, seed: 0, training: true, normalize: MNIST_NORMALIZATION});
 * const batch = await loader.batch(3, 17);   // epoch 3 (from 0), update 17 (from 0)
 */
export class Loader {
  readonly config: Required<LoaderConfig>;
  /** Batches in an epoch. */
  readonly steps: number;
  private readonly rng: Rng;
  private order: { epoch: number; indices: Uint32Array } | undefined;

  constructor(config: LoaderConfig) {
    const { dataset, batchSize, smoothing = 0 } = config;
    assertInteger('batchSize', batchSize, { min: 1, max: 2 ** 20 });
    assertNumber('smoothing', smoothing, { min: 0, max: 1 });
    assertNormalization(config.normalize, dataset.imageShape[2]);
    if (dataset.length === 0) {
      throw new InputError(expected('at least one image', 'the data set', 'an empty one'));
    }
    if (config.training === true && batchSize > dataset.length) {
      throw new InputError(
        expected(`at most ${dataset.length}, the number of images,`, 'batchSize', batchSize),
      );
    }
    this.config = {
      seed: 0,
      training: false,
      transforms: [],
      dropLast: false,
      ...config,
      smoothing,
    };
    const full = dataset.length / batchSize;
    this.steps = this.config.dropLast ? Math.floor(full) : Math.ceil(full);
    this.rng = new Rng(this.config.seed);
  }

  /** Batch `step` (from 0) of epoch `epoch` (from 0). */
  async batch(epoch: number, step: number): Promise<Batch> {
    assertInteger('step', step, { min: 0, max: this.steps - 1 });
    const { dataset, batchSize, normalize } = this.config;
    const indices = this.epochOrder(epoch).subarray(step * batchSize, (step + 1) * batchSize);
    const size = indices.length;
    const pixels = sizeOf(dataset.imageShape);
    const images = new Float32Array(size * pixels);
    const labels = new Int32Array(size);
    for (let i = 0; i < size; i += 1) {
      const index = indices[i]!;
      const pending = dataset.image(index);
      // Awaiting what is there already would cost a turn of the event loop for each image.
      const image = 'then' in pending ? await pending : pending;
      const ready = this.transformed(image, epoch, index);
      assertSize(ready, dataset.imageShape, index);
      normalizeInto(ready, normalize, images, i * pixels);
      labels[i] = dataset.label(index);
    }
    const targets = this.targetsOf(labels);
    return {
      size,
      images,
      imageShape: dataset.imageShape,
      targets,
      labels,
      indices: indices.slice(),
    };
  }

  private transformed(image: RgbImage, epoch: number, index: number) {
    const { training, transforms } = this.config;
    if (!training || transforms.length === 0) return image;
    return applyTransforms(image, transforms, this.rng.split('transform', epoch, index));
  }

  private epochOrder(epoch: number): Uint32Array {
    assertInteger('epoch', epoch, { min: 0 });
    if (this.order?.epoch === epoch) return this.order.indices;
    const { dataset, training } = this.config;
    const indices = training
      ? this.rng.split('order', epoch).permutation(dataset.length)
      : Uint32Array.from({ length: dataset.length }, (_, i) => i);
    this.order = { epoch, indices };
    return indices;
  }

  private targetsOf(labels: Int32Array): Float32Array {
    const { dataset, smoothing } = this.config;
    const K = dataset.numClasses;
    const targets = new Float32Array(labels.length * K).fill(smoothing / K);
    labels.forEach((label, i) => {
      targets[i * K + label] = 1 - smoothing + smoothing / K;
    });
    return targets;
  }
}

function assertSize(image: RgbImage, shape: readonly number[], index: number): void {
  const received = [image.height, image.width, image.channels];
  if (received.some((size, axis) => size !== shape[axis])) {
    throw new InputError(
      expected(
        `[${shape.join(', ')}]`,
        `the size of image ${index} after its transforms`,
        received,
      ),
    );
  }
}
