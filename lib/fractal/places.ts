// Where a picture stands in a FractalDB: its category, weights, patch pattern and flip, and its file name.

import { identityRow, weightRows } from './weights.ts';

/**
 * The place of a picture.
 *
 * @property category  from 0
 * @property weight    row of the weight table, 0 … 24
 * @property pattern   number of the patch pattern, from 0; 0 where points are drawn
 * @property flip      0: none, 1: top to bottom, 2: left to right, 3: both
 */
export interface Place {
  readonly category: number;
  readonly weight: number;
  readonly pattern: number;
  readonly flip: number;
}

/** Flips of a picture, the unflipped one among them. */
export const flips = 4;

/** Pictures of a category with one patch pattern. */
export const picturesOfPattern = weightRows * flips;

// The system itself comes first, so that one picture of a category shows it unchanged.
const weightOrder = [
  identityRow,
  ...Array.from({ length: weightRows }, (_, row) => row).filter((row) => row !== identityRow),
];

/**
 * The place of picture `instance` of a category. The first 25 pictures show all weights, the first 100 all flips of them, and each
 * further 100 have another patch pattern. So fewer pictures are the first of more.
 */
export function placeOf(category: number, instance: number): Place {
  return {
    category,
    weight: weightOrder[instance % weightRows]!,
    flip: Math.floor(instance / weightRows) % flips,
    pattern: Math.floor(instance / picturesOfPattern),
  };
}

/** The places of the first `instances` pictures of a category, those of one system, and of one pattern, side by side. */
export function placesOf(category: number, instances: number): Place[] {
  const places = Array.from({ length: instances }, (_, instance) => placeOf(category, instance));
  return places.sort((a, b) => a.weight - b.weight || a.pattern - b.pattern || a.flip - b.flip);
}

/** The name of a category: `00042`. */
export function categoryName(category: number): string {
  return String(category).padStart(5, '0');
}

/** The file of a picture as the published code names it: `00042_07_count_3_flip1.png`. */
export function fileName({ category, weight, pattern, flip }: Place): string {
  const row = String(weight).padStart(2, '0');
  return `${categoryName(category)}_${row}_count_${pattern}_flip${flip}.png`;
}
