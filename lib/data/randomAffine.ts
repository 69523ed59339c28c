// Random affine maps of an image.

import { parseOptions } from '../core/option.ts';
import type { RgbImage } from '../core/image.ts';
import type { Rng } from '../core/rng.ts';
import { resampleImage } from './resampleImage.ts';
import { randomAffineOptions } from './transformOptions.ts';
import type { RandomAffineOptions } from './transformOptionTypes.ts';
import type { DrawNote } from './drawNote.ts';
import { withOrigin, type Transform } from './transform.ts';

/** Output pixel (x, y) shows input position (a·x + b·y + c, d·x + e·y + f); pixel centres lie at whole numbers. */
export type AffineMap = readonly [number, number, number, number, number, number];

/**
 * A random small rotation, shift, scaling and shear about the image's centre, with bilinear interpolation.
 *
 * @throws InputError for a range that is negative, not finite, or a scale of 0
 * @example randomAffine({degrees: 10, translate: 0.08, scale: [0.9, 1.1]})
 */
export function randomAffine(options: RandomAffineOptions): Transform {
  const { degrees, translate, scale, shear, fill } = parseOptions<Required<RandomAffineOptions>>(
    randomAffineOptions,
    options,
    { what: 'an option of randomAffine' },
  );
  return withOrigin('randomAffine', options, (image, rng, note) =>
    warpAffine(image, drawMap(image, rng, note), fill),
  );

  function drawMap({ width, height }: RgbImage, rng: Rng, note?: DrawNote): AffineMap {
    const turn = rng.uniform(-degrees, degrees);
    const angle = (turn * Math.PI) / 180;
    const factor = rng.uniform(scale[0], scale[1]);
    const lean = rng.uniform(-shear, shear);
    const slope = Math.tan((lean * Math.PI) / 180);
    const shiftX = rng.uniform(-translate, translate) * width;
    const shiftY = rng.uniform(-translate, translate) * height;
    note?.('randomAffine', { degrees: turn, scale: factor, shear: lean, x: shiftX, y: shiftY });
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
