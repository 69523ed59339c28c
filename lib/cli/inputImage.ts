// An image that a command was given, ready for a model and for people.

import { existsSync } from 'node:fs';
import { InputError, expected } from '../core/errors.ts';
import { fitImage } from '../data/fitImage.ts';
import { normalizeInto } from '../data/normalize.ts';
import { openData } from './dataset.ts';
import type { RgbImage } from '../core/image.ts';
import type { TrainedModel } from './trainedModel.ts';

/**
 * One image, ready for a model.
 *
 * @property pixels   [H, W, C], normalised
 * @property picture  the same for people
 * @property label    the true class, if the image is from a data set
 * @property source   where it comes from, in words
 */
export interface InputImage {
  pixels: Float32Array;
  picture: RgbImage;
  label: number | undefined;
  source: string;
}

/**
 * Opens an image for a model: a file, or the index of one in the test set.
 *
 * A file is cropped about its centre to the model's shape and scaled. MNIST's digits are light on dark: a file of dark ink on
 * light paper is inverted for a model of MNIST, and `note` says so.
 *
 * @throws IoError, InputError if there is no such image
 */
export async function openImage(
  given: string,
  { model, normalize, data }: TrainedModel,
  note: (text: string) => void,
): Promise<InputImage> {
  const { image, label, source } =
    /^\d+$/.test(given) && !existsSync(given)
      ? await fromTestSet(Number(given), data)
      : await fromFile(given, model.inputShape[2], data, note);
  const [height, width] = model.inputShape;
  const picture = fitImage(image, { height, width });
  const pixels = new Float32Array(height * width * picture.channels);
  normalizeInto(picture, normalize, pixels, 0);
  return { pixels, picture, label, source };
}

interface Found {
  image: RgbImage;
  label: number | undefined;
  source: string;
}

async function fromTestSet(index: number, data: TrainedModel['data']): Promise<Found> {
  if (data === undefined) {
    throw new InputError(
      expected(
        'a file',
        '--image',
        String(index),
        'Only a model of a known data set takes an index.',
      ),
    );
  }
  const { dataset } = await openData(data, { split: 'test' });
  if (index >= dataset.length) {
    throw new InputError(expected(`an index from 0 to ${dataset.length - 1}`, '--image', index));
  }
  const name = data.dataset === 'mnist' ? 'MNIST' : data.dataset;
  return {
    image: await dataset.image(index),
    label: dataset.label(index),
    source: `${name} test image ${index}`,
  };
}

async function fromFile(
  file: string,
  channels: number,
  data: TrainedModel['data'],
  note: (text: string) => void,
): Promise<Found> {
  if (channels !== 1 && channels !== 3) {
    throw new InputError(expected('a model of 1 or 3 channels', 'an image file', channels));
  }
  const { decodeImage } = await import('../io/decodeImage.ts');
  let image = await decodeImage(file, { channels });
  if (data?.dataset === 'mnist' && borderLevel(image) > 127) {
    image = { ...image, data: image.data.map((value) => 255 - value) };
    note("The image is dark on light: inverted, as MNIST's digits are light on dark.");
  }
  return { image, label: undefined, source: file };
}

// The mean level of the outermost pixels: the paper.
function borderLevel({ width, height, channels, data }: RgbImage): number {
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y += 1) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) {
      sum += data[(y * width + x) * channels]!;
      count += 1;
    }
  }
  return sum / count;
}
