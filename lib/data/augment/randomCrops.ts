// Random parts of an image as training samples.

import { parseOptions } from '../../core/option.ts';
import { roundHalfToEven } from '../../core/round.ts';
import { assertImage, type RgbImage } from '../../core/image.ts';
import { assertMethods } from '../../core/kinds.ts';
import type { Rng } from '../../core/rng.ts';
import {
  cropImage,
  flipHorizontally,
  flipVertically,
  padImage,
  type CropBox,
} from '../pixels/crop.ts';
import { resizeImage } from '../resizeImage.ts';
import {
  randomCropOptions,
  randomFlipOptions,
  randomResizedCropOptions,
} from '../transformOptions.ts';
import type {
  RandomCropOptions,
  RandomFlipOptions,
  RandomResizedCropOptions,
} from '../transformOptionTypes.ts';
import { withOrigin, type Transform } from '../transform.ts';

/**
 * A part of random area and proportions, resized to height × width.
 *
 * Area uniform in `scale` of the image, aspect ratio log-uniform in `ratio`; after ten boxes that do not fit, the largest centred
 * part whose proportions are inside the range. Every side is at least one pixel.
 *
 * Source: Szegedy et al. 2015; torchvision's RandomResizedCrop and timm's, which draw from the same distribution.
 * @example randomResizedCrop({height: 224, width: 224, interpolation: 'bicubic'})
 */
export function randomResizedCrop(options: RandomResizedCropOptions): Transform {
  const { height, width, scale, ratio, interpolation } = parseOptions<
    Required<RandomResizedCropOptions>
  >(randomResizedCropOptions, options, { what: 'an option of randomResizedCrop' });
  return withOrigin('randomResizedCrop', options, (image, rng, note) => {
    const box = drawCropBox(image, { scale, ratio }, rng);
    const part = cropImage(image, box);
    const filter =
      interpolation === 'random' ? (rng.bernoulli(0.5) ? 'bilinear' : 'bicubic') : interpolation;
    note?.('crop', { ...boxValues(box), ...(interpolation === 'random' && { filter }) });
    return resizeImage(part, { height, width }, filter);
  });
}

/** The box of `randomResizedCrop`. */
export function drawCropBox(
  { width, height }: Pick<RgbImage, 'width' | 'height'>,
  { scale, ratio }: { scale: readonly [number, number]; ratio: readonly [number, number] },
  rng: Rng,
): CropBox {
  const round = (side: number) => Math.max(1, roundHalfToEven(side));
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const area = rng.uniform(scale[0], scale[1]) * width * height;
    const aspect = Math.exp(rng.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const [w, h] = [round(Math.sqrt(area * aspect)), round(Math.sqrt(area / aspect))];
    if (w > width || h > height) continue;
    const top = rng.integer(height - h + 1);
    return { top, left: rng.integer(width - w + 1), height: h, width: w };
  }
  const [low, high] = [Math.min(...ratio), Math.max(...ratio)];
  const w = width / height > high ? Math.min(width, round(height * high)) : width;
  const h = width / height < low ? Math.min(height, round(width / low)) : height;
  const [top, left] = [Math.floor((height - h) / 2), Math.floor((width - w) / 2)];
  return { top, left, height: h, width: w };
}

/**
 * A part of height × width at a random place, after a margin was added: the crop of CIFAR, and with `reflect` DeiT III's simple
 * random crop (after a resize of the shorter side).
 *
 * An image smaller than that with its margin is padded further, on both sides alike.
 *
 * @example randomCrop({height: 32, width: 32, padding: 4})
 */
export function randomCrop(options: RandomCropOptions): Transform {
  const { height, width, padding, paddingMode } = parseOptions<Required<RandomCropOptions>>(
    randomCropOptions,
    options,
    { what: 'an option of randomCrop' },
  );
  return withOrigin('randomCrop', options, (image, rng, note) => {
    const margin = { top: padding, left: padding, bottom: padding, right: padding };
    const fill = paddingMode === 'reflect' ? 'reflect' : [0, 0, 0];
    let wide = padding === 0 ? image : padImage(image, margin, fill);
    const [moreY, moreX] = [height - wide.height, width - wide.width].map((n) => Math.max(0, n));
    if (moreY! > 0 || moreX! > 0) {
      wide = padImage(wide, { top: moreY!, bottom: moreY!, left: moreX!, right: moreX! });
    }
    const top = rng.integer(wide.height - height + 1);
    const left = rng.integer(wide.width - width + 1);
    note?.('crop', boxValues({ top: top - padding, left: left - padding, height, width }));
    return cropImage(wide, { top, left, height, width });
  });
}

/** Mirrors the image with probability `p`. @example randomHorizontalFlip({p: 0.5}) */
export function randomHorizontalFlip(options: RandomFlipOptions = {}): Transform {
  return randomFlip(flipHorizontally, options, 'randomHorizontalFlip');
}

/** Turns the image upside down with probability `p`. */
export function randomVerticalFlip(options: RandomFlipOptions = {}): Transform {
  return randomFlip(flipVertically, options, 'randomVerticalFlip');
}

function randomFlip(
  flip: (image: RgbImage) => RgbImage,
  options: RandomFlipOptions,
  name: string,
): Transform {
  const { p } = parseOptions<Required<RandomFlipOptions>>(randomFlipOptions, options, {
    what: `an option of ${name}`,
  });
  return withOrigin(name, options, (image, rng, note) => {
    assertImage('image', image, { anyChannels: true });
    assertMethods('an Rng', 'rng', rng, ['bernoulli']);
    if (!rng.bernoulli(p)) return image;
    note?.(name === 'randomVerticalFlip' ? 'vertical flip' : 'flip', {});
    return flip(image);
  });
}

/** A box as a note has it. */
export function boxValues({ top, left, height, width }: CropBox): Readonly<Record<string, number>> {
  return { x: left, y: top, width, height };
}
