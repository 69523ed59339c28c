// Transforms of a whole batch, after its samples were prepared: label smoothing, and mixing of samples.

import { assertNumber } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import type { Batch } from './batch.ts';
import type { DrawNote } from './drawNote.ts';

/**
 * One step of preparing a batch: a plain function, put into an array in the order of application.
 *
 * It may write to `images` and `targets` and return the batch it was given, or return another one of the same sizes. All randomness
 * comes from `rng`, a stream of (seed, epoch, step) and the position in the array. It is applied in training only.
 *
 * @example
 * // A batch in which every sample is mixed half with the one at the other end.
 * const mix: BatchTransform = (batch, rng) => ({...batch, images: blend(batch.images), targets: blend(batch.targets)});
 */
export type BatchTransform = (batch: Batch, rng: Rng, at: BatchPlace) => Batch;

/**
 * Where in a training a batch stands: its epoch and its step in the epoch, both from 0.
 *
 * @property noteOf  gives what is told of the draws of the sample at a place in the batch; undefined in training
 */
export interface BatchPlace {
  readonly epoch: number;
  readonly step: number;
  readonly noteOf?: ((place: number) => DrawNote) | undefined;
}

/**
 * The batch after every transform; transform i draws from `rng.split(i)`.
 *
 * @throws InputError if one gives a batch of other sizes, or none
 */
export function applyBatchTransforms(
  batch: Batch,
  transforms: readonly BatchTransform[],
  rng: Rng,
  at: BatchPlace,
): Batch {
  const wanted = sizesOf(batch);
  return transforms.reduce((current, transform, i) => {
    const next = transform(current, rng.split(i), at);
    const received = sizesOf(next);
    if (received === wanted) return next;
    throw new InputError(expected(wanted, `the batch of batchTransforms[${i}]`, received));
  }, batch);
}

// The sizes of a batch as an error says them. What is no batch has none.
function sizesOf(batch: Partial<Batch> | null | undefined): string {
  const { size, imageShape = [], ...arrays } = batch ?? {};
  const { images, targets, labels, indices } = arrays;
  const shape = `${size} of [${imageShape.join(', ')}]`;
  return `${shape}, ${images?.length} pixels, ${targets?.length} targets, ${labels?.length} labels, ${indices?.length} indices`;
}

/**
 * Label smoothing: target = (1 − ε) · target + ε/K, so that each row still sums to 1.
 *
 * @param smoothing  ε, 0 … 1
 *
 * Source: Szegedy et al. 2016, section 7.
 *
 * @example new Loader({dataset, batchSize: 64, normalize, training: true, batchTransforms: [labelSmoothing(0.1)]});
 */
export function labelSmoothing(smoothing: number): BatchTransform {
  assertNumber('smoothing', smoothing, { min: 0, max: 1 });
  return (batch) => {
    const { targets, size } = batch;
    const floor = smoothing / (targets.length / size);
    for (let i = 0; i < targets.length; i += 1) {
      targets[i] = targets[i]! * (1 - smoothing) + floor;
    }
    return batch;
  };
}

/**
 * Targets of a binary loss: 1 where a target is above the threshold, else 0. Beside mixing, each of the classes is then wholly there.
 *
 * Source: DeiT's `--bce-loss`, with threshold 0; timm's `--bce-target-thresh`.
 *
 * @param threshold  0 … 1
 * @example new Loader({dataset, batchSize: 64, normalize, training: true, batchTransforms: [mixup(), thresholdTargets(0)]});
 */
export function thresholdTargets(threshold: number): BatchTransform {
  assertNumber('threshold', threshold, { min: 0, max: 1 });
  return (batch) => {
    const { targets } = batch;
    for (let i = 0; i < targets.length; i += 1) targets[i] = targets[i]! > threshold ? 1 : 0;
    return batch;
  };
}
