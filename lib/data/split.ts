// The validation split: holding out images of a data set, always the same ones.

import { assertInteger, assertNumber } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { assertDataset, assertLabel, subset, type Dataset } from './dataset.ts';

/**
 * Holds out images for validation: the same ones for the same data set, whatever the seed of a run.
 *
 * Each class gives its share of `count` (largest remainders first, at most all but one of its images). Within a class the images
 * with the smallest Philox value of their index are taken, so of two shares the larger contains the smaller. Both parts keep the
 * order of the data set.
 *
 * @param count  images to hold out; 0 gives the whole data set for training and an empty validation part
 * @throws InputError if `count` is out of range, or a class would be left without an image to train on
 *
 * @example const {train, validation} = holdOut(mnist, 5000);   // 55,000 and 5,000 images
 */
export function holdOut(dataset: Dataset, count: number): { train: Dataset; validation: Dataset } {
  assertDataset('the data set', dataset);
  assertInteger('valSplit', count, { min: 0, max: dataset.length - 1 });
  const members = Array.from({ length: dataset.numClasses }, (): number[] => []);
  for (let i = 0; i < dataset.length; i += 1) {
    const label = dataset.label(i);
    assertLabel(label, i, dataset.numClasses);
    members[label]!.push(i);
  }
  const sizes = members.map(({ length }) => length);
  const most = sizes.reduce((sum, size) => sum + Math.max(0, size - 1), 0);
  if (count > most) {
    const remedy = `Each class keeps an image to train on. Give 0 to hold nothing out.`;
    throw new InputError(expected(`at most ${most}`, 'valSplit', count, remedy));
  }
  const quotas = quotasOf(sizes, count);
  const rng = new Rng(0).split('validation');
  const rank = Float64Array.from({ length: dataset.length }, (_, i) => rng.split(i).uint32());
  const heldOut = new Uint8Array(dataset.length);
  members.forEach((indices, k) => {
    const sorted = [...indices].sort((a, b) => rank[a]! - rank[b]! || a - b);
    for (const index of sorted.slice(0, quotas[k])) heldOut[index] = 1;
  });
  const all = Uint32Array.from({ length: dataset.length }, (_, i) => i);
  return {
    train: subset(
      dataset,
      all.filter((i) => heldOut[i] === 0),
    ),
    validation: subset(
      dataset,
      all.filter((i) => heldOut[i] === 1),
    ),
  };
}

/**
 * The number of images that a split holds out of `length`.
 *
 * @param valSplit  a number of images ≥ 1, a fraction of them < 1, which gives at least one, or 0
 *
 * @example heldOutCount(0.1, 60_000);   // 6,000
 */
export function heldOutCount(valSplit: number, length: number): number {
  assertValSplit(valSplit);
  if (valSplit === 0 || valSplit >= 1) return valSplit;
  return Math.max(1, Math.round(valSplit * length));
}

/** Throws unless the value is 0, a fraction below 1, or a whole number of images. */
export function assertValSplit(valSplit: unknown): asserts valSplit is number {
  const remedy = 'Give a number of images, or a fraction below 1.';
  assertNumber('valSplit', valSplit, { min: 0, remedy });
  if (valSplit >= 1) assertInteger('valSplit', valSplit, { remedy });
}

// The number of images of each class, in proportion to its size; the sum is `count`, which leaves each class an image.
function quotasOf(sizes: readonly number[], count: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (count * size) / total);
  const quotas = exact.map((share, k) => Math.min(Math.floor(share), Math.max(0, sizes[k]! - 1)));
  let left = count - quotas.reduce((sum, quota) => sum + quota, 0);
  const order = exact.map((share, k) => [share - Math.floor(share), k] as const);
  order.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  while (left > 0) {
    for (const [, k] of order) {
      if (left === 0 || quotas[k]! + 1 >= sizes[k]!) continue;
      quotas[k]! += 1;
      left -= 1;
    }
  }
  return quotas;
}
