// Bringing an image of any size to the size of a model's input.

import { parseOptions } from '../core/option.ts';
import { assertImage, type RgbImage } from '../core/image.ts';
import { centerCropImage, resizeShorter } from './evalTransforms.ts';
import { cropImage } from './pixels/crop.ts';
import { resizeImage } from './resizeImage.ts';
import { fitOptions } from './transformOptions.ts';
import type { FitOptions } from './transformOptionTypes.ts';
import { withOrigin, type Transform } from './transform.ts';

/** How an image is brought to the proportions of the input, by timm's names; `fitOptions` says what each does. */
export type CropMode = NonNullable<FitOptions['cropMode']>;

/**
 * An image cropped to the proportions of `size` and scaled to it as `resizeImage` does.
 *
 * With `center`, the crop is as large as it can be: one pair of opposite sides is not cropped. Both sides of the other pair lose
 * the same, so a mirrored image gives the mirrored result. An image that has the size already is returned as it is. With `cropPct`
 * the whole image is resized first, its shorter side to ⌊side / cropPct⌋, and the middle cut out of it, as timm and DeiT evaluate.
 *
 * @example fitImage(photo, {width: 224, height: 224});
 */
export function fitImage(image: RgbImage, options: FitOptions): RgbImage {
  return fitted(image, fullOptions(options));
}

function fitted(
  image: RgbImage,
  { height, width, cropMode, interpolation, cropPct }: FullFitOptions,
): RgbImage {
  assertImage('image', image, { anyChannels: true });
  const size = { height, width };
  if (cropPct !== undefined) {
    const [h, w] = [Math.floor(height / cropPct), Math.floor(width / cropPct)];
    const large =
      cropMode === 'center' && h === w
        ? resizeShorter(image, h, interpolation)
        : fitted(image, { height: h, width: w, cropMode, interpolation });
    return centerCropImage(large, size);
  }
  if (cropMode === 'squash') return resizeImage(image, size, interpolation);
  const kept = middlePart(image, size);
  const [top, left] = [(image.height - kept.height) / 2, (image.width - kept.width) / 2];
  return resizeImage(cropImage(image, { top, left, ...kept }), size, interpolation);
}

type FullFitOptions = Required<Omit<FitOptions, 'cropPct'>> & Pick<FitOptions, 'cropPct'>;

function fullOptions(options: FitOptions): FullFitOptions {
  return parseOptions<FullFitOptions>(fitOptions, options, { what: 'an option of fit' });
}

/** The size of the middle part of an image that has the proportions of `size` and is as large as it can be, in whole pixels. */
export function middlePart(
  image: { width: number; height: number },
  { width, height }: { width: number; height: number },
): { width: number; height: number } {
  const scale = Math.min(image.width / width, image.height / height);
  return {
    width: image.width - 2 * margin(image.width, width * scale),
    height: image.height - 2 * margin(image.height, height * scale),
  };
}

/** `fitImage` as a transform; it draws nothing. */
export function fit(options: FitOptions): Transform {
  const full = fullOptions(options);
  return withOrigin('fit', full, (image) => fitted(image, full));
}

// The number of pixels to cut off at either end of a length, so that about `wanted` of it and at least one pixel stays.
function margin(length: number, wanted: number): number {
  return Math.min(Math.round((length - wanted) / 2), Math.floor((length - 1) / 2));
}
