// The average precision of detections at one threshold of overlap.

import { assertFields, assertListOf } from '../../core/kinds.ts';
import { assertNumber } from '../../core/check.ts';
import { iou, type CornerBox } from '../../data/objects.ts';

/** A detection of an image: its class, its score and its corners. */
export interface ScoredBox {
  readonly label: number;
  readonly score: number;
  readonly box: CornerBox;
}

/** The detections of an image, and the objects that are there. */
export interface DetectedImage {
  readonly found: readonly ScoredBox[];
  readonly objects: readonly { readonly label: number; readonly box: CornerBox }[];
}

/**
 * The mean over classes of the average precision, AP50 of COCO at the default.
 *
 * Detections of a class are taken by falling score, over all images. One is right if its IoU with an object of its class and image, which
 * no earlier one has taken, is at least `threshold`; of several the one with the largest IoU is taken. AP is the mean of the interpolated
 * precision, the largest at a recall of at least r, at r = 0, 0.01, …, 1. A class without objects does not count; NaN if none has any.
 *
 * @param options.threshold  of the IoU; default 0.5
 *
 * Source: pycocotools, `COCOeval`, area all, without crowds.
 */
export function averagePrecision(
  images: readonly DetectedImage[],
  options: { threshold?: number } = {},
): number {
  assertListOf('images', images, 'instance');
  assertFields('the options of averagePrecision', options, { threshold: 'number?' });
  const { threshold = 0.5 } = options;
  assertNumber('threshold', threshold, { min: 0, max: 1 });
  images.forEach((image, i) =>
    assertFields(`images[${i}]`, image, { found: 'list', objects: 'list' }),
  );
  const classes = new Set(images.flatMap(({ objects }) => objects.map(({ label }) => label)));
  const all = [...classes].map((label) => precisionOf(images, label, threshold));
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}

function precisionOf(images: readonly DetectedImage[], label: number, threshold: number): number {
  const objects = images.map((image) => image.objects.filter((one) => one.label === label));
  const total = objects.reduce((sum, own) => sum + own.length, 0);
  const taken = objects.map((own) => new Uint8Array(own.length));
  const ranked = images
    .flatMap(({ found }, image) =>
      found.filter((one) => one.label === label).map((one) => ({ ...one, image })),
    )
    .sort((a, b) => b.score - a.score);
  let right = 0;
  const points = ranked.map(({ box, image }, i) => {
    let best = -1;
    let most = threshold;
    objects[image]!.forEach((object, j) => {
      const overlap = iou(box, object.box);
      if (taken[image]![j] === 1 || overlap < most) return;
      most = overlap;
      best = j;
    });
    if (best >= 0) {
      taken[image]![best] = 1;
      right += 1;
    }
    return { recall: right / total, precision: right / (i + 1) };
  });
  return interpolated(points);
}

// The mean over 101 recalls of the largest precision at that recall or more.
function interpolated(points: readonly { recall: number; precision: number }[]): number {
  const best = points.map(({ precision }) => precision);
  for (let i = best.length - 2; i >= 0; i -= 1) best[i] = Math.max(best[i]!, best[i + 1]!);
  let sum = 0;
  let at = 0;
  for (let step = 0; step <= 100; step += 1) {
    // Recalls are fractions of whole numbers: a hundredth may lie a rounding error beside one.
    while (at < points.length && points[at]!.recall < step / 100 - 1e-12) at += 1;
    if (at < points.length) sum += best[at]!;
  }
  return sum / 101;
}
