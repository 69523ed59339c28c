// The preparation of a single sample: reading and transforming an image.

import type { RgbImage } from '../core/image.ts';
import type { Rng } from '../core/rng.ts';
import type { Dataset } from './dataset.ts';
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
   */
  prepare(index: number, epoch: number, copy?: number): RgbImage | Promise<RgbImage>;
}

/**
 * A source that prepares samples in this thread, when they are asked for.
 *
 * @param rng  the stream of the seed; sample (epoch, index) draws from `rng.split('transform', epoch, index)`, a
 *             further copy of it from a stream of its own
 */
export function samplesOf(
  dataset: Dataset,
  transforms: readonly Transform[],
  rng: Rng,
): SampleSource {
  if (transforms.length === 0) return { prepare: (index) => dataset.image(index) };
  return {
    prepare(index, epoch, copy = 0) {
      const own = rng.split('transform', epoch, index);
      const stream = copy === 0 ? own : own.split('copy', copy);
      const transformed = (image: RgbImage) => applyTransforms(image, transforms, stream);
      const pending = dataset.image(index);
      return isPromise(pending) ? pending.then(transformed) : transformed(pending);
    },
  };
}

/** Whether an image is still to be waited for. */
export function isPromise(image: RgbImage | Promise<RgbImage>): image is Promise<RgbImage> {
  return typeof image === 'object' && image !== null && 'then' in image;
}
