// The operations of AutoAugment and RandAugment by timm's names.

import type { RgbImage } from '../../core/image.ts';
import { affine, rotate, type AffineFilter, type AffineOptions } from '../pixels/affine.ts';
import {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  adjustSharpness,
} from '../pixels/enhance.ts';
import { gaussianBlur } from '../pixels/gaussianBlur.ts';
import {
  autoContrast,
  equalize,
  invert,
  posterize,
  solarize,
  solarizeAdd,
} from '../pixels/tables.ts';

/** The filter and the colour outside that the geometric operations take. */
export interface OpContext {
  filter: AffineFilter;
  fill: readonly number[];
}

type Op = (image: RgbImage, argument: number, options: AffineOptions) => RgbImage;

const color: Op = (image, factor) => adjustSaturation(image, factor);
const contrast: Op = (image, factor) => adjustContrast(image, factor);
const brightness: Op = (image, factor) => adjustBrightness(image, factor);
const sharpness: Op = (image, factor) => adjustSharpness(image, factor);
const keepBits: Op = (image, bits) => (bits >= 8 ? image : posterize(image, bits));
const invertFrom: Op = (image, threshold) => solarize(image, threshold);
const blur: Op = (image, radius) => gaussianBlur(image, radius);
const shiftX: Op = (image, pixels, options) => affine(image, [1, 0, pixels, 0, 1, 0], options);
const shiftY: Op = (image, pixels, options) => affine(image, [1, 0, 0, 0, 1, pixels], options);

const ops = {
  AutoContrast: (image) => autoContrast(image),
  Equalize: (image) => equalize(image),
  Invert: (image) => invert(image),
  Rotate: (image, degrees, options) => rotate(image, degrees, options),
  Posterize: keepBits,
  PosterizeIncreasing: keepBits,
  PosterizeOriginal: keepBits,
  Solarize: invertFrom,
  SolarizeIncreasing: invertFrom,
  SolarizeAdd: (image, add) => solarizeAdd(image, add),
  Color: color,
  ColorIncreasing: color,
  Contrast: contrast,
  ContrastIncreasing: contrast,
  Brightness: brightness,
  BrightnessIncreasing: brightness,
  Sharpness: sharpness,
  SharpnessIncreasing: sharpness,
  ShearX: (image, factor, options) => affine(image, [1, factor, 0, 0, 1, 0], options),
  ShearY: (image, factor, options) => affine(image, [1, 0, 0, factor, 1, 0], options),
  TranslateX: shiftX,
  TranslateY: shiftY,
  TranslateXRel: (image, share, options) => shiftX(image, share * image.width, options),
  TranslateYRel: (image, share, options) => shiftY(image, share * image.height, options),
  Desaturate: (image, amount) => adjustSaturation(image, Math.min(1, Math.max(0, 1 - amount))),
  GaussianBlur: blur,
  GaussianBlurRand: blur,
} as const satisfies Record<string, Op>;

/** The name of an operation. `…Increasing` differs from the plain one only in how a magnitude becomes an argument. */
export type OpName = keyof typeof ops;

/** All operations' names. */
export const opNames = Object.keys(ops) as readonly OpName[];

/**
 * An operation with its argument applied to an image, to the bit as timm on Pillow.
 *
 * @param argument  factor, degrees, bits, threshold, pixels, share of a side or radius; `levelArguments` has them by magnitude
 * Source: timm/data/auto_augment.py.
 * @example applyOp('Rotate', image, 12, {filter: 'bicubic', fill: [124, 116, 104]});
 */
export function applyOp(
  name: OpName,
  image: RgbImage,
  argument: number,
  context: OpContext,
): RgbImage {
  const op: Op = ops[name];
  return op(image, argument, context);
}
