// Bringing an image to the size of a model's input as torchvision and timm do it for evaluation.

import { parseOptions } from '../core/option.ts';
import { roundHalfToEven } from '../core/round.ts';
import type { RgbImage } from '../core/image.ts';
import { cropImage, levelsOf, padImage } from './pixels/crop.ts';
import { resizeImage, type ResizeFilter } from './resizeImage.ts';
import { centerCropOptions, resizeOptions } from './transformOptions.ts';
import type { CenterCropOptions, ResizeOptions } from './transformOptionTypes.ts';
import { withOrigin, type Transform } from './transform.ts';

/**
 * The image with its shorter side at `size` and its proportions kept; the longer one is truncated. torchvision's `Resize(size)`.
 *
 * @example resizeShorter(photo, 256, 'bicubic');
 */
export function resizeShorter(image: RgbImage, size: number, filter: ResizeFilter): RgbImage {
  const { width, height } = image;
  const short = Math.min(width, height);
  const long = Math.max(1, Math.trunc((size * Math.max(width, height)) / short));
  const wide = width >= height;
  return resizeImage(image, { width: wide ? long : size, height: wide ? size : long }, filter);
}

/** The image with its longer side at `size` and its proportions kept; the shorter one is rounded. timm's `ResizeKeepRatio`. */
export function resizeLonger(image: RgbImage, size: number, filter: ResizeFilter): RgbImage {
  const { width, height } = image;
  const factor = Math.max(width, height) / size;
  const side = (length: number) => Math.max(1, roundHalfToEven(length / factor));
  return resizeImage(image, { width: side(width), height: side(height) }, filter);
}

/**
 * The middle of an image, height × width; an image that is smaller is padded first. torchvision's `CenterCrop`.
 *
 * Half pixels: a margin to cut is rounded half to even, one to add is truncated above and on the left.
 *
 * @param fill  of the margin, a level for each channel; default black
 */
export function centerCropImage(
  image: RgbImage,
  { height, width }: { height: number; width: number },
  fill: readonly number[] = [0, 0, 0],
): RgbImage {
  const [moreY, moreX] = [Math.max(0, height - image.height), Math.max(0, width - image.width)];
  const [top, left] = [Math.floor(moreY / 2), Math.floor(moreX / 2)];
  const margin = { top, left, bottom: moreY - top, right: moreX - left };
  const large = moreY + moreX === 0 ? image : padImage(image, margin, fill);
  const half = (length: number) => roundHalfToEven(length / 2);
  const place = { top: half(large.height - height), left: half(large.width - width) };
  return cropImage(large, { ...place, height, width });
}

/** Resizes the shorter or the longer side, or both. @example resize({size: 256, interpolation: 'bicubic'}) */
export function resize(options: ResizeOptions): Transform {
  const { size, side, interpolation } = parseOptions<Required<ResizeOptions>>(
    resizeOptions,
    options,
    { what: 'an option of resize' },
  );
  return withOrigin('resize', options, (image) => {
    if (side === 'both') return resizeImage(image, { height: size, width: size }, interpolation);
    return (side === 'shorter' ? resizeShorter : resizeLonger)(image, size, interpolation);
  });
}

/** Crops the middle. @example centerCrop({height: 224, width: 224}) */
export function centerCrop(options: CenterCropOptions): Transform {
  const { height, width, fill } = parseOptions<Required<CenterCropOptions>>(
    centerCropOptions,
    options,
    { what: 'an option of centerCrop' },
  );
  return withOrigin('centerCrop', options, (image) =>
    centerCropImage(image, { height, width }, levelsOf(image, fill)),
  );
}
