// Random affine maps of an image.

import { assertNumber } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import type { Rng } from '../core/rng.ts';
import { resampleImage } from './resampleImage.ts';
import type { Transform } from './transform.ts';

/**
 * The ranges from which the parameters of an affine map are drawn uniformly.
 *
 * @property degrees    rotation in ± degrees; default 0
 * @property translate  shift in ± this fraction of the width and of the height; default 0
 * @property scale      [lowest, highest] factor; default [1, 1]
 * @property shear      horizontal shear in ± degrees; default 0
 * @property fill       the value outside of the image, 0 … 255; default 0
 */
export interface RandomAffineOptions {
  degrees?: number;
  translate?: number;
  scale?: readonly [number, number];
  shear?: number;
  fill?: number;
}

/** Output pixel (x, y) shows input position (a·x + b·y + c, d·x + e·y + f); pixel centres lie at whole numbers. */
export type AffineMap = readonly [number, number, number, number, number, number];

/**
 * A random small rotation, shift, scaling and shear about the image's centre, with bilinear interpolation.
 *
 * @throws InputError for a range that is negative, not finite, or a scale of 0
 * @example randomAffine({degrees: 10, translate: 0.08, scale: [0.9, 1.1]})
 */
export function randomAffine({
  degrees = 0,
  translate = 0,
  scale = [1, 1],
  shear = 0,
  fill = 0,
}: RandomAffineOptions): Transform {
  assertNumber('degrees', degrees, { min: 0, max: 180 });
  assertNumber('translate', translate, { min: 0, max: 1 });
  assertNumber('shear', shear, { min: 0, max: 80 });
  assertNumber('fill', fill, { min: 0, max: 255 });
  assertNumber('scale[0]', scale[0], { min: 1e-3 });
  if (!(scale[1] >= scale[0] && scale[1] <= 1e3)) {
    throw new InputError(expected('lowest ≤ highest ≤ 1000', 'scale', scale));
  }
  return (image, rng) => warpAffine(image, drawMap(image, rng), fill);

  function drawMap({ width, height }: RgbImage, rng: Rng): AffineMap {
    const angle = (rng.uniform(-degrees, degrees) * Math.PI) / 180;
    const factor = rng.uniform(scale[0], scale[1]);
    const slope = Math.tan((rng.uniform(-shear, shear) * Math.PI) / 180);
    const shiftX = rng.uniform(-translate, translate) * width;
    const shiftY = rng.uniform(-translate, translate) * height;
    // The inverse of shift · centre · rotate · shear · scale · centre⁻¹ gives the input position that an output pixel shows.
    const [cos, sin] = [Math.cos(angle) / factor, Math.sin(angle) / factor];
    const [a, b, d, e] = [cos + slope * sin, sin - slope * cos, -sin, cos];
    const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
    const c = centreX - a * (centreX + shiftX) - b * (centreY + shiftY);
    const f = centreY - d * (centreX + shiftX) - e * (centreY + shiftY);
    return [a, b, c, d, e, f];
  }
}

/**
 * The image seen through an affine map, interpolated bilinearly and rounded to the nearest level; `fill` outside.
 */
export function warpAffine(image: RgbImage, map: AffineMap, fill = 0): RgbImage {
  const { width, height } = image;
  const [a, b, c, d, e, f] = map;
  const xs = new Float64Array(width * height);
  const ys = new Float64Array(width * height);
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      xs[i] = a * x + b * y + c;
      ys[i] = d * x + e * y + f;
    }
  }
  return resampleImage(image, xs, ys, fill);
}
