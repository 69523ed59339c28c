// Transforms of one image.

import { assertListOf, assertMethods } from '../core/kinds.ts';
import { assertImage, type RgbImage } from '../core/image.ts';
import type { Rng } from '../core/rng.ts';

/**
 * One step of preparing an image: a plain function, put into an array in the order of application.
 *
 * It may not write to the bytes it is given. All randomness comes from `rng`, a stream of (seed, epoch, index) and the position
 * in the array, so a sample is the same on any number of workers.
 *
 * @example
 * const transforms: Transform[] = [randomAffine({degrees: 10}), myOwn];
 */
export type Transform = (image: RgbImage, rng: Rng) => RgbImage;

/** The image after every transform; transform i draws from `rng.split(i)`. */
export function applyTransforms(
  image: RgbImage,
  transforms: readonly Transform[],
  rng: Rng,
): RgbImage {
  assertImage('image', image);
  assertListOf('transforms', transforms, 'function');
  assertMethods('an Rng', 'rng', rng, ['split']);
  return transforms.reduce((current, transform, i) => transform(current, rng.split(i)), image);
}
