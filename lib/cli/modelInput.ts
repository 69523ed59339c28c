import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import { convertChannels } from '../data/convertChannels.ts';
import { MNIST_CLASSES, mnistDataset } from '../data/mnist.ts';
import { IMAGENET_NORMALIZATION, MNIST_NORMALIZATION, normalizeInto } from '../data/normalize.ts';
import type { Normalization } from '../data/normalize.ts';
import { resizeImage } from '../data/resizeImage.ts';
import { decodeImage } from '../io/decodeImage.ts';
import { loadMnist } from '../io/mnist.ts';

/** The parts of a model's configuration that an image has to fit. */
export interface InputShape {
  imageSize: readonly [height: number, width: number];
  inChannels: number;
  numClasses: number;
}

/** One image, ready for a model and for people. */
export interface ModelInput {
  /** [H, W, I], normalised as in evaluation. */
  pixels: Float32Array;
  /** The same image, 8 bits, in the model's size and channels. */
  picture: RgbImage;
  /** The true class of an image of the test set. */
  label?: number;
  /** What it is, for a person: "MNIST test image 7", "digit.png". */
  source: string;
  /** Something about the image that makes a wrong answer likely, in one sentence. */
  warning?: string;
}

/**
 * Reads an image as a model takes it: a picture file of any size, or an index of MNIST's test set.
 *
 * A file is decoded as viewers show it, made grey for a model of one channel, resized to the model's size (bilinear with
 * antialias, proportions not kept) and normalised as in evaluation.
 *
 * @param image      a path, or 0 … 9999
 * @param normalize  default MNIST's statistics for one channel, ImageNet's for three
 * @param invert     true: light becomes dark; MNIST's digits are light on dark, ink on paper is not
 * @throws IoError if the file cannot be read or is no image; InputError if the index or the number of channels does not exist
 */
export async function readModelInput(
  image: string,
  { imageSize: [height, width], inChannels }: InputShape,
  { normalize, invert = false }: { normalize?: Normalization; invert?: boolean } = {},
): Promise<ModelInput> {
  if (inChannels !== 1 && inChannels !== 3) {
    throw new InputError(expected('a model of 1 or 3 channels', 'inChannels', inChannels));
  }
  const read = /^\d+$/.test(image)
    ? await testImage(Number(image))
    : { image: await decodeImage(image, { channels: inChannels }), source: baseName(image) };
  const resized = resizeImage(convertChannels(read.image, inChannels), { width, height });
  const picture = invert ? inverted(resized) : resized;
  const pixels = new Float32Array(picture.data.length);
  const statistics = normalize ?? (inChannels === 1 ? MNIST_NORMALIZATION : IMAGENET_NORMALIZATION);
  normalizeInto(picture, statistics, pixels, 0);
  const { image: _image, ...about } = read;
  const warning = inChannels === 1 && isMostlyLight(picture) ? lightPaper : undefined;
  return { pixels, picture, ...about, ...(warning === undefined ? {} : { warning }) };
}

/** The names of a model's classes: MNIST's digits for a model of one channel and ten classes, else unknown. */
export function classNamesOf({
  inChannels,
  numClasses,
}: InputShape): readonly string[] | undefined {
  return inChannels === 1 && numClasses === 10 ? MNIST_CLASSES : undefined;
}

const lightPaper =
  'The picture is mostly light, while digits of MNIST are light on dark: --invert swaps the two.';

async function testImage(
  index: number,
): Promise<{ image: RgbImage; label: number; source: string }> {
  const dataset = mnistDataset(await loadMnist({ split: 'test' }));
  if (index >= dataset.length) {
    throw new InputError(expected(`an index below ${dataset.length}`, 'image', index));
  }
  return {
    image: dataset.image(index),
    label: dataset.label(index),
    source: `MNIST test image ${index}`,
  };
}

function inverted({ data, ...image }: RgbImage): RgbImage {
  return { ...image, data: data.map((value) => 255 - value) };
}

function isMostlyLight({ data }: RgbImage): boolean {
  return data.reduce((sum, value) => sum + value, 0) / data.length > 127;
}

function baseName(path: string): string {
  return path.replace(/^.*[\\/]/, '');
}
