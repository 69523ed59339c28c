// How an image file becomes the input of a model: plain data that is stored with a run and with its checkpoint.

import { assertInteger, assertOneOf, sizeOf } from '../core/check.ts';
import { CheckpointError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import type { Dataset } from './dataset.ts';
import { fit, fitImage, type CropMode } from './fitImage.ts';
import { assertNormalization, normalizeInto, type Normalization } from './normalize.ts';
import { resizeFilters, type ResizeFilter } from './resizeImage.ts';
import type { Transform } from './transform.ts';

/**
 * What a file's extras become.
 *
 * - `display`: as a viewer shows it. EXIF orientation applied, colour profile converted to sRGB, transparency laid on white,
 *   16 bits scaled to 8.
 * - `pil`: as Pillow's `Image.open(file).convert('RGB')` reads it, which most published models were trained with. EXIF and
 *   profile ignored, alpha dropped, 16-bit grey clipped at 255, CMYK by Pillow's formula.
 */
export type DecodeMode = 'display' | 'pil';

/**
 * The steps from a file to the input of a model, in their order.
 *
 * @property decode         how the file is decoded
 * @property cropMode       how an image of another size is brought to `size`: timm's `center` or `squash`
 * @property interpolation  the filter of the resizing
 * @property size           [H, W] of the input
 * @property normalize      mean and deviation of each channel
 */
export interface Preprocessing {
  decode: DecodeMode;
  cropMode: CropMode;
  interpolation: ResizeFilter;
  size: readonly [number, number];
  normalize: Normalization;
}

/** A preprocessing in part; what is undefined has its default. */
export type PreprocessingOptions = { [K in keyof Preprocessing]?: Preprocessing[K] | undefined };

/** The preprocessing of a size and a normalisation; what is not given is as it was before there was a choice. */
export function makePreprocessing({
  decode = 'display',
  cropMode = 'center',
  interpolation = 'bilinear',
  ...given
}: PreprocessingOptions & Pick<Preprocessing, 'size' | 'normalize'>): Preprocessing {
  const { size, normalize } = given;
  return { decode, cropMode, interpolation, size, normalize };
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
  const { decode, cropMode, interpolation, size, normalize } = value;
  assertOneOf('preprocessing.decode', decode, ['display', 'pil']);
  assertOneOf('preprocessing.cropMode', cropMode, ['center', 'squash']);
  assertOneOf('preprocessing.interpolation', interpolation, resizeFilters);
  if (!Array.isArray(size) || size.length !== 2) {
    throw new CheckpointError(expected('[H, W]', 'preprocessing.size', size));
  }
  size.forEach((length) => assertInteger('preprocessing.size', length, { min: 1, max: 16384 }));
  return {
    decode,
    cropMode,
    interpolation,
    size: [size[0] as number, size[1] as number],
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
 * @example const {pixels} = preprocessImage(await decodeImage('cat.jpg', {mode: preprocessing.decode}), preprocessing);
 */
export function preprocessImage(
  image: RgbImage,
  { size: [height, width], cropMode, interpolation, normalize }: Preprocessing,
): { picture: RgbImage; pixels: Float32Array } {
  const picture = fitImage(image, { height, width, cropMode, interpolation });
  const pixels = new Float32Array(sizeOf([height, width, picture.channels]));
  normalizeInto(picture, normalize, pixels, 0);
  return { picture, pixels };
}

/**
 * How the images of a data set reach the shape that a loader needs: as they are, or, where they differ in size, brought to the
 * preprocessing's by a last transform.
 *
 * @returns `outputShape`, [H, W, C], for `Loader`, and `transforms`, at most one, to put after all others
 */
export function shapingOf(
  { imageShape }: Pick<Dataset, 'imageShape'>,
  { size: [height, width], cropMode, interpolation, normalize }: Preprocessing,
): { outputShape: readonly [number, number, number]; transforms: Transform[] } {
  if (imageShape !== undefined) return { outputShape: imageShape, transforms: [] };
  const transform = fit({ height, width, cropMode, interpolation });
  return { outputShape: [height, width, normalize.mean.length], transforms: [transform] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
