// Transforms of one image.

import { assertListOf, assertMethods } from '../core/kinds.ts';
import { assertImage, type RgbImage } from '../core/image.ts';
import type { Rng } from '../core/rng.ts';
import type { DrawNote } from './drawNote.ts';

/**
 * One step of preparing an image: a plain function, put into an array in the order of application.
 *
 * It may not write to the bytes it is given. All randomness comes from `rng`, a stream of (seed, epoch, index) and the position
 * in the array, so a sample is the same on any number of workers. It may tell `note`, where it is given, what it drew.
 *
 * @example
 * const transforms: Transform[] = [randomAffine({degrees: 10}), myOwn];
 */
export type Transform = (image: RgbImage, rng: Rng, note?: DrawNote) => RgbImage;

/** A transform as plain data: the name under which it is registered, and its options. */
export interface TransformOrigin {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const origins = new WeakMap<Transform, TransformOrigin>();

/** Notes from which name and options a transform was made, so that a worker thread can make it again. */
export function withOrigin(name: string, options: object, transform: Transform): Transform {
  origins.set(transform, { name, options: { ...options } });
  return transform;
}

/** The origin of a transform of the library; undefined for a function of the caller's. */
export function originOf(transform: Transform): TransformOrigin | undefined {
  return origins.get(transform);
}

/** The image after every transform; transform i draws from `rng.split(i)`. @param note  is told what they draw */
export function applyTransforms(
  image: RgbImage,
  transforms: readonly Transform[],
  rng: Rng,
  note?: DrawNote,
): RgbImage {
  assertImage('image', image);
  assertListOf('transforms', transforms, 'function');
  assertMethods('an Rng', 'rng', rng, ['split']);
  return transforms.reduce(
    (current, transform, i) => transform(current, rng.split(i), note),
    image,
  );
}
