// The metrics of a classifier, counted on the host: exact, and the same on every backend.

import { assertInteger } from '../core/check.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';

/**
 * The result of an evaluation.
 *
 * @property images     how many were seen
 * @property loss       mean cross-entropy with the labels, in nats
 * @property top1       fraction whose class has the largest logit, 0 … 1
 * @property top5       fraction whose class is among the five largest (among all if there are fewer)
 * @property perClass   images, hits and their fraction of each class; `accuracy` is null for a class without images
 * @property confusion  confusion[actual][predicted] counts images; null above 2048 classes
 */
export interface Evaluation {
  images: number;
  loss: number;
  top1: number;
  top5: number;
  perClass: { images: number; correct: number; accuracy: number | null }[];
  confusion: number[][] | null;
}

/**
 * Counts hits batch by batch.
 *
 * Equal logits rank in the order of their classes. Sums are in float64, so the order of batches does not matter to 1e-15 relative.
 */
export class Metrics {
  private readonly classes: number;
  private readonly imagesOf: number[];
  private readonly correctOf: number[];
  private readonly confusion: number[][] | null;
  private images = 0;
  private lossSum = 0;
  private inTop5 = 0;

  constructor(classes: number) {
    assertInteger('numClasses', classes, { min: 1, max: 1e6 });
    this.classes = classes;
    const zeros = () => new Array<number>(classes).fill(0);
    [this.imagesOf, this.correctOf] = [zeros(), zeros()];
    this.confusion = classes <= 2048 ? Array.from({ length: classes }, zeros) : null;
  }

  /**
   * Adds a batch.
   *
   * @param logits  [B, K], row by row
   * @param labels  [B], 0 … K − 1
   */
  add(logits: ArrayLike<number>, labels: ArrayLike<number>): void {
    const K = this.classes;
    if (logits.length !== labels.length * K) {
      throw new ShapeError(expected(`${labels.length}·${K} logits`, 'logits', logits.length));
    }
    for (let row = 0; row < labels.length; row += 1) {
      const label = labels[row]!;
      assertInteger('label', label, { min: 0, max: K - 1 });
      const { rank, best, logSumExp } = standing(logits, row * K, K, label);
      this.lossSum += logSumExp - logits[row * K + label]!;
      this.inTop5 += rank < 5 ? 1 : 0;
      if (this.confusion !== null) this.confusion[label]![best]! += 1;
      this.imagesOf[label]! += 1;
      this.correctOf[label]! += rank === 0 ? 1 : 0;
      this.images += 1;
    }
  }

  /** The result so far. @throws InputError if no image was added */
  result(): Evaluation {
    if (this.images === 0) {
      throw new InputError(expected('at least one image', 'the evaluation', 0));
    }
    const perClass = this.imagesOf.map((images, k) => {
      const correct = this.correctOf[k]!;
      return { images, correct, accuracy: images === 0 ? null : correct / images };
    });
    const correct = perClass.reduce((sum, entry) => sum + entry.correct, 0);
    return {
      images: this.images,
      loss: this.lossSum / this.images,
      top1: correct / this.images,
      top5: this.inTop5 / this.images,
      perClass,
      confusion: this.confusion?.map((row) => [...row]) ?? null,
    };
  }
}

/** How many rows have their largest logit at the label. logits [B, K], labels [B]. */
export function countCorrect(logits: ArrayLike<number>, labels: ArrayLike<number>): number {
  const K = logits.length / labels.length;
  let correct = 0;
  for (let row = 0; row < labels.length; row += 1) {
    correct += standing(logits, row * K, K, labels[row]!).rank === 0 ? 1 : 0;
  }
  return correct;
}

/** The label's place among the logits of a row (0 = first), the first place's class, and log Σ exp. */
export function standing(
  logits: ArrayLike<number>,
  offset: number,
  K: number,
  label: number,
): { rank: number; best: number; logSumExp: number } {
  const own = logits[offset + label]!;
  let rank = 0;
  let best = 0;
  for (let k = 0; k < K; k += 1) {
    const value = logits[offset + k]!;
    if (value > own || (value === own && k < label)) rank += 1;
    if (value > logits[offset + best]!) best = k;
  }
  const largest = logits[offset + best]!;
  let sum = 0;
  for (let k = 0; k < K; k += 1) sum += Math.exp(logits[offset + k]! - largest);
  return { rank, best, logSumExp: largest + Math.log(sum) };
}
