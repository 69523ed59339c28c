// Precision, recall and F1 of each class.

import { assertInteger } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';
import { assertFields } from '../core/kinds.ts';
import { assertLabel } from '../data/dataset.ts';
import type { Predictions } from './predictions.ts';

/**
 * The measures of one class; each is null where its denominator is 0.
 *
 * @property precision  of the images predicted as the class, the share that are of it
 * @property recall     of the images of the class, the share predicted as it
 * @property f1         2 · precision · recall / (precision + recall)
 * @property support    images of the class
 * @property predicted  images predicted as the class
 */
export interface ClassMeasures {
  precision: number | null;
  recall: number | null;
  f1: number | null;
  support: number;
  predicted: number;
}

/**
 * Precision, recall and F1 of each class, [K], as scikit-learn's `classification_report` has them.
 *
 * @throws ShapeError, InputError for arrays that do not belong together, or a class that is none
 *
 * @example const [{recall}] = classTable(predictions, 10);
 */
export function classTable(
  predictions: Pick<Predictions, 'labels' | 'predicted'>,
  K: number,
): ClassMeasures[] {
  assertFields('the predictions', predictions, { labels: 'array', predicted: 'array' });
  assertInteger('the number of classes', K, { min: 1, max: 2 ** 24 });
  const { labels, predicted } = predictions;
  if (predicted.length !== labels.length) {
    throw new ShapeError(expected(`${labels.length} classes`, 'predicted', predicted.length));
  }
  const [support, taken, right] = [new Uint32Array(K), new Uint32Array(K), new Uint32Array(K)];
  labels.forEach((label, i) => {
    assertLabel(label, i, K);
    assertLabel(predicted[i]!, i, K);
    support[label]! += 1;
    taken[predicted[i]!]! += 1;
    if (predicted[i] === label) right[label]! += 1;
  });
  const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  return Array.from({ length: K }, (_, k) => ({
    precision: share(right[k]!, taken[k]!),
    recall: share(right[k]!, support[k]!),
    f1: share(2 * right[k]!, taken[k]! + support[k]!),
    support: support[k]!,
    predicted: taken[k]!,
  }));
}

/** Images of class `actual` that were predicted as another one. */
export interface Confusion {
  actual: number;
  predicted: number;
  images: number;
}

/** The pairs of classes that were confused, the most frequent first. */
export function confusions({
  labels,
  predicted,
}: Pick<Predictions, 'labels' | 'predicted'>): Confusion[] {
  const pairs = new Map<string, Confusion>();
  labels.forEach((actual, i) => {
    if (predicted[i] === actual) return;
    const key = `${actual} ${predicted[i]!}`;
    const pair = pairs.get(key) ?? { actual, predicted: predicted[i]!, images: 0 };
    pair.images += 1;
    pairs.set(key, pair);
  });
  const order = (a: Confusion, b: Confusion) =>
    b.images - a.images || a.actual - b.actual || a.predicted - b.predicted;
  return [...pairs.values()].sort(order);
}
