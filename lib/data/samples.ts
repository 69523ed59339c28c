// The preparation of a single sample: reading and transforming an image.

import type { RgbImage } from '../core/image.ts';
import type { Rng } from '../core/rng.ts';
import type { Dataset } from './dataset.ts';
import type { DrawNote } from './drawNote.ts';
import { applyTransforms, type Transform } from './transform.ts';

/**
 * The source of a loader's samples.
 *
 * A sample is a pure function of (seed, epoch, index, copy), so any number of threads or processes may prepare them, in any order.
 */
export interface SampleSource {
  /**
   * The image of an index as a model gets it in an epoch, before it is normalised; its bytes are not written to.
   *
   * @param copy  which of its copies in the epoch, from 0, where augmentation is repeated; each is augmented anew
   * @param note  is told what the transforms draw, by a source that prepares in this thread
   */
  prepare(
    index: number,
    epoch: number,
    copy?: number,
    note?: DrawNote,
  ): RgbImage | Promise<RgbImage>;
  /** Takes an image back whose bytes are no longer needed. Every image is given back once, in the order of `prepare` or any other. */
  release?(image: RgbImage): void;
}

/**
 * The samples of a loader, as it knows them before the first is prepared.
 *
 * @property transforms   applied in their order
 * @property seed         sample (epoch, index) draws from `sampleRng`
 * @property outputShape  [H, W, C] of a prepared sample
 * @property batchSize    how many are asked for at once
 */
export interface SampleParts {
  readonly dataset: Dataset;
  readonly transforms: readonly Transform[];
  readonly seed: number;
  readonly outputShape: readonly [number, number, number];
  readonly batchSize: number;
}

/** Gives the source of a loader's samples: a pool of worker threads serves several loaders so. */
export type SamplesOf = (parts: SampleParts) => SampleSource;

/** The stream of the seed that a sample's transforms draw from; a further copy of it has a stream of its own. */
export function sampleRng(rng: Rng, epoch: number, index: number, copy = 0): Rng {
  const own = rng.split('transform', epoch, index);
  return copy === 0 ? own : own.split('copy', copy);
}

/**
 * A source that prepares samples in this thread, when they are asked for.
 *
 * @param rng  the stream of the seed
 */
export function samplesOf(
  dataset: Dataset,
  transforms: readonly Transform[],
  rng: Rng,
): SampleSource {
  if (transforms.length === 0) return { prepare: (index) => dataset.image(index) };
  return {
    prepare(index, epoch, copy = 0, note) {
      const stream = sampleRng(rng, epoch, index, copy);
      const transformed = (image: RgbImage) => applyTransforms(image, transforms, stream, note);
      const pending = dataset.image(index);
      return isPromise(pending) ? pending.then(transformed) : transformed(pending);
    },
  };
}

/** Whether an image is still to be waited for. */
export function isPromise(image: RgbImage | Promise<RgbImage>): image is Promise<RgbImage> {
  return typeof image === 'object' && image !== null && 'then' in image;
}
