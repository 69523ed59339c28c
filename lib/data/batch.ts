// The batch: what a loader gives and a training step takes.

import type { LabelledBox } from './objects.ts';

/**
 * The samples of one update.
 *
 * @property images      [B, H, W, C], normalised
 * @property imageShape  [H, W, C]
 * @property targets     [B, K], each row sums to 1
 * @property labels      [B], the classes before smoothing and mixing
 * @property indices     [B], where in the data set the samples come from
 * @property objects     the objects of each sample, of a data set that has them
 * @property captions    a sentence about each sample, of a data set with captions
 * @property teacherLogits  [B, K], of a teacher for these images, where a task learns from one
 */
export interface Batch {
  size: number;
  images: Float32Array;
  imageShape: readonly [number, number, number];
  targets: Float32Array;
  labels: Int32Array;
  indices: Uint32Array;
  objects?: readonly (readonly LabelledBox[])[];
  captions?: readonly string[];
  teacherLogits?: Float32Array;
}
