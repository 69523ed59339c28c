// How an image file becomes the input of a model: plain data that is stored with a run and with its checkpoint.

import { assertInteger, assertNumber, assertOneOf, isRecord, sizeOf } from '../core/check.ts';
import { CheckpointError, InputError, expected } from '../core/errors.ts';
import { assertImage, type RgbImage } from '../core/image.ts';
import type { Dataset } from './dataset.ts';
import { fit, fitImage, type CropMode } from './fitImage.ts';
import { assertNormalization, normalizeInto, type Normalization } from './normalize.ts';
import { resizeFilters, type ResizeFilter } from './resizeImage.ts';
import type { Transform } from './transform.ts';

/**
 * How EXIF orientation, colour profile, transparency and 16-bit levels of a file are decoded.
 *
 * - `display`: as a viewer shows it. The orientation is applied, the profile converted to sRGB, transparency laid on white, and
 *   16 bits are scaled to 8. Where all that is drawn is nearly white, so that white would hide it, the ground is black.
 * - `pil`: as Pillow's `Image.open(file).convert('RGB')` reads it, which most published models were trained with. Orientation
 *   of TIFF) and profile are ignored, alpha is dropped, 16-bit grey clipped at 255, and CMYK converted by Pillow's formula.
 * - `fast`: as `pil`, but a JPEG that is at least three times as large as the input, in both directions, is made smaller while it is
 *   decoded, by the largest whole number that leaves no side below the input's. Its pixels are no longer Pillow's.
 */
export type DecodeMode = (typeof decodeModes)[number];

/** The names of the ways to decode. */
export const decodeModes = ['display', 'pil', 'fast'] as const;

/** The options of `decodeImage` by which a preprocessing decodes a file. */
export function decodingOf({ decode, size }: Pick<Preprocessing, 'decode' | 'size'>): {
  mode: DecodeMode;
  atLeast?: readonly [number, number];
} {
  return decode === 'fast' ? { mode: decode, atLeast: size } : { mode: decode };
}

/**
 * The steps from a file to the input of a model, in their order.
 *
 * @property decode         how the file is decoded
 * @property cropMode       how an image of another size is brought to `size`: timm's `center` or `squash`
 * @property interpolation  the filter of the resizing
 * @property size           [H, W] of the input
 * @property cropPct        share of the resized image's shorter side that the input is; absent: the largest part of the right proportions
 *                          is resized
 * @property normalize      mean and deviation of each channel
 */
export interface Preprocessing {
  decode: DecodeMode;
  cropMode: CropMode;
  interpolation: ResizeFilter;
  size: readonly [number, number];
  cropPct?: number;
  normalize: Normalization;
}

/** A part of a preprocessing; an undefined field has its default. */
export type PreprocessingOptions = { [K in keyof Preprocessing]?: Preprocessing[K] | undefined };

/** Completes a preprocessing. The defaults are those of configs that were stored before the fields existed. */
export function makePreprocessing(
  options: PreprocessingOptions & Pick<Preprocessing, 'size' | 'normalize'>,
): Preprocessing {
  if (!isRecord(options)) throw new InputError(expected('an object', 'preprocessing', options));
  const { decode = 'display', cropMode = 'center', interpolation = 'bilinear', ...given } = options;
  const { size, cropPct, normalize } = given;
  return {
    decode,
    cropMode,
    interpolation,
    size,
    ...(cropPct !== undefined && { cropPct }),
    normalize,
  };
}

/**
 * Reads a stored preprocessing.
 *
 * @param channels  of the model's input
 * @throws CheckpointError, InputError naming the key that cannot be used
 */
export function parsePreprocessing(value: unknown, channels: number): Preprocessing {
  const name = 'preprocessing of config.json';
  if (!isRecord(value)) throw new CheckpointError(expected('an object', name, value));
  const { decode, cropMode, interpolation, size, cropPct, normalize } = value;
  assertOneOf('preprocessing.decode', decode, decodeModes);
  assertOneOf('preprocessing.cropMode', cropMode, ['center', 'squash']);
  assertOneOf('preprocessing.interpolation', interpolation, resizeFilters);
  if (!Array.isArray(size) || size.length !== 2) {
    throw new CheckpointError(expected('[H, W]', 'preprocessing.size', size));
  }
  size.forEach((length) => assertInteger('preprocessing.size', length, { min: 1, max: 16384 }));
  if (cropPct !== undefined) {
    assertNumber('preprocessing.cropPct', cropPct as number, { min: 0.01, max: 1 });
  }
  return {
    decode,
    cropMode,
    interpolation,
    size: [size[0] as number, size[1] as number],
    ...(cropPct !== undefined && { cropPct: cropPct as number }),
    normalize: parseNormalization(normalize, channels),
  };
}

/** Reads a stored normalisation. @throws CheckpointError, InputError if it is none of so many channels */
export function parseNormalization(value: unknown, channels: number): Normalization {
  const { mean, std } = isRecord(value) ? value : {};
  if (!Array.isArray(mean) || !Array.isArray(std)) {
    throw new CheckpointError(expected('lists mean and std', 'normalize of config.json', value));
  }
  const normalize = { mean: mean as number[], std: std as number[] };
  assertNormalization(normalize, channels);
  return normalize;
}

/**
 * An image, decoded already, as the input of a model.
 *
 * @returns `picture`, the image at the model's size, and `pixels`, [H, W, C], normalised
 * @throws InputError if the image has other channels than the normalisation
 *
 * @example const {pixels} = preprocessImage(await decodeImage('cat.jpg', decodingOf(preprocessing)), preprocessing);
 */
export function preprocessImage(
  image: RgbImage,
  preprocessing: Preprocessing,
): { picture: RgbImage; pixels: Float32Array } {
  assertImage('image', image, { anyChannels: true });
  const { size, cropMode, interpolation, cropPct, normalize } = parsePreprocessing(
    preprocessing,
    image.channels,
  );
  const [height, width] = size;
  const picture = fitImage(image, {
    height,
    width,
    cropMode,
    interpolation,
    ...(cropPct !== undefined && { cropPct }),
  });
  const pixels = new Float32Array(sizeOf([height, width, picture.channels]));
  normalizeInto(picture, normalize, pixels, 0);
  return { picture, pixels };
}

/**
 * The shape of a data set's samples, and the transform that brings images of other sizes to that of the preprocessing.
 *
 * @returns `outputShape`, [H, W, C], for `Loader`, and `transforms`, at most one, to apply after all others
 */
export function shapingOf(
  { imageShape }: Pick<Dataset, 'imageShape'>,
  { size: [height, width], cropMode, interpolation, cropPct, normalize }: Preprocessing,
): { outputShape: readonly [number, number, number]; transforms: Transform[] } {
  const outputShape = [height, width, normalize.mean.length] as const;
  const fits = imageShape?.[0] === height && imageShape[1] === width;
  if (fits && (cropPct ?? 1) === 1) return { outputShape, transforms: [] };
  const share = cropPct === undefined ? {} : { cropPct };
  const transform = fit({ height, width, cropMode, interpolation, ...share });
  return { outputShape, transforms: [transform] };
}
