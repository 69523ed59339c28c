// Images of any size as the input of an encoder.

import { assertImage, type RgbImage } from '../core/image.ts';
import { assertFields } from '../core/kinds.ts';
import { processImage } from '../data/imageProcessor.ts';
import { normalizeInto } from '../data/normalize.ts';
import { preprocessImage } from '../data/preprocessing.ts';
import { cropImage } from '../data/pixels/crop.ts';
import type { ImagePreparation } from './processors.ts';

/**
 * One image as an encoder takes it.
 *
 * @property picture  the image at the model's size, before normalisation: what the model sees
 * @property pixels   [H, W, C] of the picture, normalised
 * @property source   [H, W] of the image that was given
 */
export interface PreparedImage {
  readonly picture: RgbImage;
  readonly pixels: Float32Array;
  readonly source: readonly [number, number];
}

/**
 * An image prepared: resized, cropped, normalised. Images of one pixel and of 50 million are fine.
 *
 * @throws InputError if it is no image, or the preparation has other channels
 */
export function prepareImage(image: RgbImage, preparation: ImagePreparation): PreparedImage {
  assertImage('image', image, { anyChannels: true });
  assertFields('preparation', preparation, { normalize: 'object' });
  const source = [image.height, image.width] as const;
  const seen = withinReach(image, preparation);
  if ('cropMode' in preparation) return { ...preprocessImage(seen, preparation), source };
  const picture = processImage(seen, preparation);
  const pixels = new Float32Array(picture.data.length);
  normalizeInto(picture, preparation.normalize, pixels, 0);
  return { picture, pixels, source };
}

// Sides beyond which nothing is resized.
const longestSide = 16_384;

// The middle of an image that is too long to be resized whole: the crop sees nothing of its ends.
function withinReach(image: RgbImage, preparation: ImagePreparation): RgbImage {
  const shortest = shorterSide(preparation);
  const { height, width } = image;
  const [short, long] = [Math.min(height, width), Math.max(height, width)];
  if (shortest === undefined || (long / short) * shortest <= longestSide) return image;
  const kept = Math.max(short, Math.floor((short * longestSide) / shortest / 2));
  // An even margin keeps the middle where it was.
  const margin = Math.floor((long - kept) / 2);
  const length = long - 2 * margin;
  return width > height
    ? cropImage(image, { top: 0, left: margin, height, width: length })
    : cropImage(image, { top: margin, left: 0, height: length, width });
}

// The length that the shorter side is resized to before the middle is cut out; undefined where that is not what is done.
function shorterSide(preparation: ImagePreparation): number | undefined {
  if ('cropMode' in preparation) {
    const { cropMode, cropPct, size } = preparation;
    if (cropMode !== 'center' || cropPct === undefined) return undefined;
    return Math.floor(Math.min(...size) / cropPct);
  }
  const { resize, crop } = preparation;
  if (resize === undefined || 'both' in resize || crop === undefined) return undefined;
  return resize.longest === undefined ? resize.shortest : undefined;
}
