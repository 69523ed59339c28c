// Preparing images as the image processors of Hugging Face's transformers do on PIL images.

import { assertFields, assertListOf } from '../core/kinds.ts';
import { roundHalfToEven } from '../core/round.ts';
import { sizeOf } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import { cropImage } from './pixels/crop.ts';
import { centerCropImage } from './evalTransforms.ts';
import { normalizeInto, type Normalization } from './normalize.ts';
import { resizeImage, type ResizeFilter } from './resizeImage.ts';

/**
 * The part of a `preprocessor_config.json` that decides pixels.
 *
 * @property resize    absent: the size stays. `both`: exactly that; `shortest`: the shorter side, and with `longest` no side above it
 * @property crop      the middle that is kept, [H, W]
 * @property pad       true: images of a batch are padded to one size, below and on the right, with 0 after normalisation
 */
export interface ImageProcessor {
  resize?: { both: readonly [number, number] } | { shortest: number; longest?: number };
  filter: ResizeFilter;
  crop?: readonly [number, number];
  normalize: Normalization;
  pad?: boolean;
}

/**
 * The size that DETR's processor gives an image: the shorter side `shortest`, unless the longer one would be above `longest`.
 *
 * @returns [H, W], truncated as transformers does
 */
export function sizeWithAspectRatio(
  [height, width]: readonly [number, number],
  shortest: number,
  longest = Infinity,
): [number, number] {
  const [least, most] = [Math.min(height, width), Math.max(height, width)];
  const limited = (most / least) * shortest > longest;
  const exact = limited ? (longest * least) / most : shortest;
  const short = limited ? roundHalfToEven(exact) : shortest;
  if (least === short) return [height, width];
  const long = Math.max(1, Math.trunc((exact * most) / least));
  return width < height ? [long, Math.max(1, short)] : [Math.max(1, short), long];
}

/** An image prepared by a processor, before normalisation. */
export function processImage(image: RgbImage, { resize, filter, crop }: ImageProcessor): RgbImage {
  let current = image;
  if (resize !== undefined) {
    const [height, width] =
      'both' in resize
        ? resize.both
        : sizeWithAspectRatio([image.height, image.width], resize.shortest, resize.longest);
    current = resizeImage(image, { height, width }, filter);
  }
  return crop === undefined ? current : cropMiddle(current, crop);
}

// transformers truncates a half pixel of the margin, where torchvision rounds it to even.
function cropMiddle(image: RgbImage, [height, width]: readonly [number, number]): RgbImage {
  if (image.height < height || image.width < width) {
    return centerCropImage(image, { height, width });
  }
  const top = Math.floor((image.height - height) / 2);
  const left = Math.floor((image.width - width) / 2);
  return cropImage(image, { top, left, height, width });
}

/**
 * A batch of images as the input of a model.
 *
 * @returns `pixels` [B, H, W, C], normalised, and `mask` [B, H, W], 1 where an image is and 0 in the padding
 */
export function processBatch(
  images: readonly RgbImage[],
  processor: ImageProcessor,
): { pixels: Float32Array; mask: Uint8Array; shape: readonly [number, number, number, number] } {
  assertListOf('images', images, 'instance');
  if (images.length === 0) throw new InputError(expected('at least one image', 'images', []));
  assertFields('processor', processor, { normalize: 'instance' });
  assertFields('normalize of processor', processor.normalize, { mean: 'list', std: 'list' });
  const ready = images.map((image) => processImage(image, processor));
  const height = Math.max(...ready.map((image) => image.height));
  const width = Math.max(...ready.map((image) => image.width));
  const { length: channels } = processor.normalize.mean;
  const pixels = new Float32Array(sizeOf([ready.length, height, width, channels]));
  const mask = new Uint8Array(sizeOf([ready.length, height, width]));
  ready.forEach((image, b) => {
    const own = new Float32Array(image.data.length);
    normalizeInto(image, processor.normalize, own, 0);
    for (let y = 0; y < image.height; y += 1) {
      const to = (b * height + y) * width;
      const row = own.subarray(y * image.width * channels, (y + 1) * image.width * channels);
      pixels.set(row, to * channels);
      mask.fill(1, to, to + image.width);
    }
  });
  return { pixels, mask, shape: [ready.length, height, width, channels] };
}
