// Calibration: whether images that are predicted with a probability of p are right in a share p of the cases.

import { assertInteger, assertNumber } from '../core/check.ts';
import { assertFields, assertKind } from '../core/kinds.ts';
import { ShapeError, expected } from '../core/errors.ts';

/**
 * The images whose confidence lies in one interval.
 *
 * @property from, to    the interval (from, to]; the first one has 0 too
 * @property images      how many there are
 * @property confidence  their mean confidence; null without images
 * @property accuracy    the share of them that was predicted correctly; null without images
 */
export interface CalibrationBin {
  from: number;
  to: number;
  images: number;
  confidence: number | null;
  accuracy: number | null;
}

/** The expected calibration error, 0 … 1, the largest gap of a bin, and the bins. */
export interface Calibration {
  ece: number;
  maxGap: number;
  bins: CalibrationBin[];
}

/**
 * The expected calibration error of a classifier, over bins of equal width.
 *
 * ECE = Σ_b images_b / n · |accuracy_b − confidence_b|
 *
 * @param confidences   [n], the probability of the predicted class, 0 … 1
 * @param correct       [n], whether it was the true class
 * @param options.bins  default 15
 * @returns zeros for n = 0
 * @throws ShapeError for arrays of different length; InputError for a confidence that is none
 *
 * Source: Naeini et al. 2015; Guo et al. 2017, eq. 3, with 15 bins.
 *
 * @example const {ece} = calibration([0.9, 0.6], [true, false]);   // (0.1 + 0.6) / 2 = 0.35
 */
export function calibration(
  confidences: ArrayLike<number>,
  correct: ArrayLike<boolean | number>,
  options: { bins?: number } = {},
): Calibration {
  assertFields('calibration', options, { bins: 'integer?' });
  const { bins: count = 15 } = options;
  assertKind('confidences', confidences, 'array');
  assertKind('correct', correct, 'array');
  assertInteger('bins', count, { min: 1, max: 10_000 });
  const n = confidences.length;
  if (correct.length !== n)
    throw new ShapeError(expected(`${n} values`, 'correct', correct.length));
  const sums = Array.from({ length: count }, () => ({ images: 0, confidence: 0, correct: 0 }));
  for (let i = 0; i < n; i += 1) {
    assertNumber(`confidences[${i}]`, confidences[i], { min: 0, max: 1.000001 });
    const bin = sums[Math.min(count - 1, Math.max(0, Math.ceil(confidences[i]! * count) - 1))]!;
    bin.images += 1;
    bin.confidence += confidences[i]!;
    bin.correct += Number(correct[i]);
  }
  const bins = sums.map(({ images, ...sum }, b): CalibrationBin => {
    const mean = (value: number) => (images === 0 ? null : value / images);
    const ends = { from: b / count, to: (b + 1) / count };
    return { ...ends, images, confidence: mean(sum.confidence), accuracy: mean(sum.correct) };
  });
  const gaps = bins.map(({ confidence, accuracy }) =>
    Math.abs((accuracy ?? 0) - (confidence ?? 0)),
  );
  const ece = bins.reduce((sum, { images }, b) => sum + (images / Math.max(1, n)) * gaps[b]!, 0);
  return { ece, maxGap: Math.max(...gaps), bins };
}
