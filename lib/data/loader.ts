// Batches of a data set for training and evaluation.

import { assertFields, assertListOf, assertMethods } from '../core/kinds.ts';
import { assertInteger, sizeOf } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertBytes, type RgbImage } from '../core/image.ts';
import { Rng } from '../core/rng.ts';
import type { Batch } from './batch.ts';
import { applyBatchTransforms, type BatchTransform } from './batchTransform.ts';
import type { DrawNote } from './drawNote.ts';
import { assertDataset, assertLabel, type Dataset } from './dataset.ts';
import { assertNormalization, normalizeInto } from './normalize.ts';
import type { Normalization } from './normalize.ts';
import { repeatOrder, samplesInEpoch } from './repeats.ts';
import { isPromise, samplesOf, type SampleSource, type SamplesOf } from './samples.ts';
import type { Transform } from './transform.ts';

/**
 * The samples of one of several processes that train one model.
 *
 * @property rank  from 0
 * @property size  how many processes there are
 */
export interface Shard {
  rank: number;
  size: number;
}

/**
 * The options of a loader.
 *
 * @property batchSize        samples an update, over all shards
 * @property seed             seed of the order and of the transforms; default 0
 * @property training         true: shuffled anew each epoch, with the transforms of training; false: in order
 * @property outputShape      [H, W, C] of a sample after its transforms; default the data set's `imageShape`
 * @property trainTransforms  applied to each image when training
 * @property evalTransforms   applied to each image otherwise
 * @property batchTransforms  applied to each batch when training: label smoothing, mixup
 * @property repeats          copies of each image in a row, each augmented anew, when training: repeated augmentation; default 1. The
 *                            number of samples in an epoch stays about the same (`samplesInEpoch`), so that it sees fewer images
 * @property dropLast         true: leave out the last batch of an epoch when it is not full; default false
 * @property shard            the part of each batch that this loader gives; default all of it. The shards of a step, in the order
 *                            of their ranks, are the batch of a single process. A batch transform sees the samples of its shard
 * @property samples          reads and transforms the images, or makes what does; default: this thread does
 */
export interface LoaderConfig {
  dataset: Dataset;
  batchSize: number;
  normalize: Normalization;
  seed?: number;
  training?: boolean;
  outputShape?: readonly [number, number, number] | undefined;
  trainTransforms?: readonly Transform[];
  evalTransforms?: readonly Transform[];
  batchTransforms?: readonly BatchTransform[];
  repeats?: number;
  dropLast?: boolean;
  shard?: Shard;
  samples?: SampleSource | SamplesOf | undefined;
}

/** A loader's config with its defaults filled in. */
export type FullLoaderConfig = Required<Omit<LoaderConfig, 'outputShape' | 'samples'>> & {
  outputShape: readonly [number, number, number];
};

/**
 * Batches of a data set, each a pure function of (seed, epoch, step).
 *
 * So a run that resumes in the middle of an epoch gets the same batches, and any past batch can be looked at again.
 *
 * @throws InputError if the data set is empty or smaller than one batch, or has images of several sizes and there is no `outputShape`
 * @example
 * const loader = new Loader({dataset, batchSize: 128, seed: 0, training: true, normalize: MNIST_NORMALIZATION});
 * const batch = await loader.batch(3, 17);   // epoch 3 (from 0), update 17 (from 0)
 */
export class Loader {
  readonly config: FullLoaderConfig;
  /** Batches in an epoch. */
  readonly steps: number;
  /** Samples in an epoch, with those of a last batch that `dropLast` leaves out. */
  readonly samplesInEpoch: number;
  private readonly rng: Rng;
  private readonly samples: SampleSource;
  private order: { epoch: number; indices: Uint32Array } | undefined;

  constructor(config: LoaderConfig) {
    assertLoaderConfig(config);
    const { samples, ...given } = config;
    this.config = parse(given);
    const { dataset, batchSize, dropLast, training, trainTransforms, evalTransforms } = this.config;
    this.samplesInEpoch = samplesInEpoch(dataset.length, this.repeats);
    const full = this.samplesInEpoch / batchSize;
    this.steps = dropLast ? Math.floor(full) : Math.ceil(full);
    this.rng = new Rng(this.config.seed);
    const transforms = training ? trainTransforms : evalTransforms;
    const { seed, outputShape } = this.config;
    this.samples =
      typeof samples === 'function'
        ? samples({ dataset, transforms, seed, outputShape, batchSize })
        : (samples ?? samplesOf(dataset, transforms, this.rng));
  }

  /** Copies of each image in an epoch: those of the config when training. */
  get repeats(): number {
    return this.config.training ? this.config.repeats : 1;
  }

  /**
   * Batch `step` (from 0) of epoch `epoch` (from 0).
   *
   * @param noteOf  gives what is told of the draws of the sample at a place in the batch; the batch is the same with it
   */
  async batch(epoch: number, step: number, noteOf?: (place: number) => DrawNote): Promise<Batch> {
    assertInteger('step', step, { min: 0, max: this.steps - 1 });
    const { dataset, normalize, outputShape, training, batchTransforms } = this.config;
    const [from, to] = this.placesOf(step);
    const indices = this.epochOrder(epoch).slice(from, to);
    const copyOf = (i: number) => (from + i) % this.repeats;
    const size = indices.length;
    const pixels = sizeOf(outputShape);
    const K = dataset.numClasses;
    const images = new Float32Array(size * pixels);
    const labels = new Int32Array(size);
    const targets = new Float32Array(size * K);
    const begun = new Map<number, RgbImage | Promise<RgbImage>>();
    const { samples } = this;
    const prepare = (k: number) => samples.prepare(indices[k]!, epoch, copyOf(k), noteOf?.(k));
    let i = 0;
    try {
      for (; i < size; i += 1) {
        const index = indices[i]!;
        const pending = begun.get(i) ?? prepare(i);
        // Awaiting an image that is there already would cost a turn of the event loop.
        if (isPromise(pending) && begun.size === 0) this.begin(size, i + 1, begun, prepare);
        const image = isPromise(pending) ? await pending : pending;
        try {
          assertSize(image, outputShape, index);
          normalizeInto(image, normalize, images, i * pixels);
        } finally {
          samples.release?.(image);
        }
        const label = dataset.label(index);
        assertLabel(label, index, K);
        labels[i] = label;
        targets[i * K + label] = 1;
      }
    } catch (error) {
      this.abandon(begun, i + 1);
      throw error;
    }
    const objects = dataset.objects && Array.from(indices, (index) => dataset.objects!(index));
    const captions = dataset.caption && Array.from(indices, (index) => dataset.caption!(index));
    const more = { ...(objects && { objects }), ...(captions && { captions }) };
    const sizes = { size, imageShape: outputShape, ...more };
    const batch = { ...sizes, images, targets, labels, indices };
    if (!training || batchTransforms.length === 0 || size === 0) return batch;
    const rng = this.rng.split('batch', epoch, step);
    return applyBatchTransforms(batch, batchTransforms, rng, { epoch, step, noteOf });
  }

  /**
   * The step and the place in its batch at which an epoch has the (first copy of the) image of an index; undefined where the epoch
   * leaves it out, as repeated augmentation and `dropLast` do.
   */
  placeOf(epoch: number, index: number): { step: number; place: number } | undefined {
    const { batchSize } = this.config;
    const at = this.epochOrder(epoch).indexOf(index);
    const step = Math.floor(at / batchSize);
    if (at < 0 || step >= this.steps) return undefined;
    const [from, to] = this.placesOf(step);
    return at >= from && at < to ? { step, place: at - from } : undefined;
  }

  // Where images are waited for, all of a batch are begun together, so that several threads can prepare them.
  private begin(
    size: number,
    from: number,
    begun: Map<number, RgbImage | Promise<RgbImage>>,
    prepare: (i: number) => RgbImage | Promise<RgbImage>,
  ): void {
    for (let i = from; i < size; i += 1) {
      const pending = prepare(i);
      begun.set(i, pending);
      // The error reaches whoever awaits the image, which a batch that ends at another one does not.
      if (isPromise(pending)) void pending.catch(() => undefined);
    }
  }

  // The images of a batch that ends early, which nobody will wait for.
  private abandon(begun: ReadonlyMap<number, RgbImage | Promise<RgbImage>>, from: number): void {
    const release = (image: RgbImage) => this.samples.release?.(image);
    for (const [i, pending] of begun) {
      if (i < from) continue;
      if (isPromise(pending)) void pending.then(release, () => undefined);
      else release(pending);
    }
  }

  // The places of this shard's samples of a step in the order of the epoch: the first, and the one after the last.
  private placesOf(step: number): [from: number, to: number] {
    const { batchSize, shard } = this.config;
    const begin = step * batchSize;
    const length = Math.min(this.samplesInEpoch - begin, batchSize);
    const place = (rank: number) => begin + Math.floor((rank * length) / shard.size);
    return [place(shard.rank), place(shard.rank + 1)];
  }

  private epochOrder(epoch: number): Uint32Array {
    assertInteger('epoch', epoch, { min: 0 });
    if (this.order?.epoch === epoch) return this.order.indices;
    const { dataset, training } = this.config;
    const indices = training
      ? repeatOrder(this.rng.split('order', epoch).permutation(dataset.length), this.repeats)
      : Uint32Array.from({ length: dataset.length }, (_, i) => i);
    this.order = { epoch, indices };
    return indices;
  }
}

function assertLoaderConfig(config: LoaderConfig): void {
  const flags = { training: 'boolean?', dropLast: 'boolean?' } as const;
  const others = { seed: 'integer?', outputShape: 'list?', shard: 'instance?' } as const;
  assertFields('Loader', config, { normalize: 'instance', ...flags, ...others });
  for (const list of ['trainTransforms', 'evalTransforms', 'batchTransforms'] as const) {
    if (config[list] !== undefined) assertListOf(list, config[list], 'function');
  }
  if (config.samples === undefined || typeof config.samples === 'function') return;
  assertMethods('a source of samples, with prepare,', 'samples', config.samples, ['prepare']);
}

function parse(given: LoaderConfig): FullLoaderConfig {
  assertDataset('the data set', given.dataset);
  const { dataset, batchSize, normalize, outputShape = dataset.imageShape } = given;
  assertInteger('batchSize', batchSize, { min: 1, max: 2 ** 20 });
  const { repeats = 1 } = given;
  assertInteger('repeats', repeats, { min: 1, max: 1024 });
  if (outputShape === undefined) {
    const why = 'The images of the data set differ in size.';
    throw new InputError(expected('[H, W, C]', 'outputShape', undefined, why));
  }
  outputShape.forEach((size) => assertInteger('outputShape', size, { min: 1, max: 16384 }));
  assertNormalization(normalize, outputShape[2]);
  const { shard = { rank: 0, size: 1 } } = given;
  assertInteger('shard.size', shard.size, { min: 1, max: batchSize });
  assertInteger('shard.rank', shard.rank, { min: 0, max: shard.size - 1 });
  if (dataset.length === 0) {
    throw new InputError(expected('at least one image', 'the data set', 'an empty one'));
  }
  const most = samplesInEpoch(dataset.length, repeats);
  if (given.training === true && batchSize > most) {
    throw new InputError(
      expected(`at most ${most}, the number of images,`, 'batchSize', batchSize),
    );
  }
  const defaults = { seed: 0, training: false, repeats, dropLast: false };
  const transforms = { trainTransforms: [], evalTransforms: [], batchTransforms: [] };
  return { ...defaults, ...transforms, ...given, shard, outputShape };
}

function assertSize(image: RgbImage, shape: readonly number[], index: number): void {
  const { height, width, channels, data } = (image as RgbImage | null | undefined) ?? {};
  const received = [height, width, channels];
  if (received.some((size, axis) => size !== shape[axis])) {
    const what = `the size of image ${index} after its transforms`;
    throw new InputError(expected(`[${shape.join(', ')}]`, what, received));
  }
  const what = `the data of image ${index}`;
  if (data?.length !== sizeOf(shape)) {
    throw new InputError(expected(`${sizeOf(shape)} bytes`, what, data?.length));
  }
  assertBytes(what, data);
}
