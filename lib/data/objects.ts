// The objects of an image for a detector: their classes and boxes, and how boxes overlap.

import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertListOf } from '../core/kinds.ts';

/** A box as shares of the image: centre x, centre y, width, height. */
export type CentreBox = readonly [cx: number, cy: number, width: number, height: number];

/** The corners of a box: left, top, right, bottom. */
export type CornerBox = readonly [left: number, top: number, right: number, bottom: number];

/** An object of an image: its class, and its box as shares of the image. */
export interface LabelledBox {
  readonly label: number;
  readonly box: CentreBox;
}

/** The corners of a box that is given by its centre and size. */
export function toCorners([cx, cy, width, height]: CentreBox): CornerBox {
  return [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2];
}

/** Centre and size of a box that is given by its corners. */
export function toCentre([left, top, right, bottom]: CornerBox): CentreBox {
  return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top];
}

/**
 * The intersection of two boxes over their union, 0 … 1; 0 where both are empty.
 *
 * @example iou([0, 0, 2, 2], [1, 0, 3, 2]);   // 2 / 6
 */
export function iou(a: CornerBox, b: CornerBox): number {
  const { intersection, union } = overlap(a, b);
  return union > 0 ? intersection / union : 0;
}

/**
 * The generalised IoU of two boxes, −1 … 1: IoU − (hull − union) / hull, the hull being the smallest box around both. It tells boxes that
 * do not touch apart by their distance. 0 where both are one point.
 *
 * Source: Rezatofighi et al. 2019.
 */
export function generalizedIou(a: CornerBox, b: CornerBox): number {
  const { intersection, union } = overlap(a, b);
  const width = Math.max(a[2], b[2]) - Math.min(a[0], b[0]);
  const height = Math.max(a[3], b[3]) - Math.min(a[1], b[1]);
  const hull = width * height;
  if (hull <= 0) return 0;
  return (union > 0 ? intersection / union : 0) - (hull - union) / hull;
}

function overlap(a: CornerBox, b: CornerBox): { intersection: number; union: number } {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const intersection = width * height;
  return { intersection, union: area(a) + area(b) - intersection };
}

function area([left, top, right, bottom]: CornerBox): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

/** Throws an InputError unless a value is a list of objects with a class below `numClasses` and a box that has an area. */
export function assertObjects(
  name: string,
  value: unknown,
  numClasses: number,
): asserts value is readonly LabelledBox[] {
  assertListOf(name, value, 'instance');
  (value as readonly Partial<LabelledBox>[]).forEach(({ label, box }, i) => {
    assertInteger(`the label of ${name}[${i}]`, label, { min: 0, max: numClasses - 1 });
    const given: unknown = box;
    const sound =
      Array.isArray(given) &&
      given.length === 4 &&
      given.every((number: unknown) => Number.isFinite(number)) &&
      given[2] > 0 &&
      given[3] > 0;
    if (sound) return;
    const what = 'four finite numbers, the width and height above 0,';
    throw new InputError(expected(what, `the box of ${name}[${i}]`, given));
  });
}
