// The validation split: holding out images of a data set, always the same ones.

import { assertInteger, assertNumber } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { assertDataset, assertLabel, subset, type Dataset } from './dataset.ts';

/**
 * Holds out images for validation: the same ones for the same data set, whatever the seed of a run.
 *
 * Each class gives its share of `count` (largest remainders first, at most all but one of its images, and at least one where `count`
 * allows and it has two). Within a class the images with the smallest keys are taken, so of two shares the larger contains the smaller.
 * Both parts keep the order of the data set.
 *
 * @param count  images to hold out; 0 gives the whole data set for training and an empty validation part
 * @param keys   a number of each image, [n], that follows from its content: equal ones are copies, and stay on one side, although the
 *               validation part may then be smaller. Default: the Philox value of its index
 * @throws InputError if `count` is out of range, or a class would be left without an image to train on
 *
 * @example const {train, validation} = holdOut(mnist, 5000);   // 55,000 and 5,000 images
 */
export function holdOut(
  dataset: Dataset,
  count: number,
  keys?: Float64Array,
): { train: Dataset; validation: Dataset } {
  assertDataset('the data set', dataset);
  if (keys !== undefined && keys.length !== dataset.length) {
    throw new InputError(expected(`${dataset.length} numbers`, 'keys', keys.length));
  }
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
  const rank =
    keys ?? Float64Array.from({ length: dataset.length }, (_, i) => rng.split(i).uint32());
  const heldOut = new Uint8Array(dataset.length);
  members.forEach((indices, k) => {
    const sorted = [...indices].sort((a, b) => rank[a]! - rank[b]! || a - b);
    const quota = quotas[k]!;
    const taken = keys === undefined ? quota : withoutCopies(sorted, keys, quota);
    for (const index of sorted.slice(0, taken)) heldOut[index] = 1;
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

// The largest number up to the quota that does not part copies; if that is 0, the smallest beyond. Of a class of copies alone it is
// the quota.
function withoutCopies(sorted: readonly number[], keys: Float64Array, quota: number): number {
  const parts = (n: number) => n > 0 && n < sorted.length && isSame(sorted[n - 1]!, sorted[n]!);
  const isSame = (a: number, b: number) => keys[a] === keys[b];
  let taken = quota;
  while (parts(taken)) taken -= 1;
  if (taken > 0 || quota === 0) return taken;
  taken = quota;
  while (parts(taken)) taken += 1;
  return taken === sorted.length ? quota : taken;
}

/**
 * The number of images that a split holds out of `length`.
 *
 * @param valSplit  a number of images ≥ 1, a fraction of them < 1, or 0
 * @param least     what a fraction gives at least; default 1
 *
 * @example heldOutCount(0.1, 60_000);   // 6,000
 */
export function heldOutCount(valSplit: number, length: number, least = 1): number {
  assertValSplit(valSplit);
  if (valSplit === 0 || valSplit >= 1) return valSplit;
  return Math.max(1, least, Math.round(valSplit * length));
}

/** The number of classes that can spare an image: those with two or more. */
export function divisibleClasses(
  dataset: Pick<Dataset, 'length' | 'numClasses' | 'label'>,
): number {
  const sizes = new Uint32Array(dataset.numClasses);
  for (let i = 0; i < dataset.length; i += 1) sizes[dataset.label(i)]! += 1;
  return sizes.reduce((sum, size) => sum + Number(size > 1), 0);
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
  // Each class that can spare an image gives one, if there are enough to hold out.
  const able = sizes.filter((size) => size > 1).length;
  const least = (k: number) => (count >= able && sizes[k]! > 1 ? 1 : 0);
  const quotas = exact.map((share, k) =>
    Math.min(Math.max(Math.floor(share), least(k)), Math.max(0, sizes[k]! - 1)),
  );
  trim(quotas, count);
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

// Takes images from the largest quotas while there are more than `count`.
function trim(quotas: number[], count: number): void {
  let over = quotas.reduce((sum, quota) => sum + quota, 0) - count;
  while (over > 0) {
    const largest = quotas.indexOf(Math.max(...quotas));
    quotas[largest]! -= 1;
    over -= 1;
  }
}
