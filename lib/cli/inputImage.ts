// An image that a command was given, ready for a model and for people.

import { existsSync } from 'node:fs';
import { InputError, expected } from '../core/errors.ts';
import { middlePart } from '../data/fitImage.ts';
import { preprocessImage } from '../data/preprocessing.ts';
import { descriptorOf, openPart, reportedPart } from './dataset.ts';
import { decodingOf } from '../data/preprocessing.ts';
import type { RgbImage } from '../core/image.ts';
import type { TrainedModel } from './trainedModel.ts';

/**
 * One image, ready for a model.
 *
 * @property pixels   [H, W, C], normalised
 * @property picture  the same for people
 * @property label    the true class, if the image is from a data set
 * @property source   where it comes from, in words
 * @property title    the same with the part of it that is used, if that is not all
 */
export interface InputImage {
  pixels: Float32Array;
  picture: RgbImage;
  label: number | undefined;
  source: string;
  title: string;
}

/**
 * Opens an image for a model: a file, or the index of one in the test part of its data set.
 *
 * The image goes through the preprocessing that is stored with the model. A file is adapted as the model's data set asks for it,
 * and `note` says so. `title` and `note` say too which part of an image of other proportions is used.
 *
 * @throws IoError, InputError if there is no such image
 */
export async function openImage(
  given: string,
  { preprocessing, data }: Pick<TrainedModel, 'preprocessing' | 'data'>,
  note: (text: string) => void,
): Promise<InputImage> {
  const { image, label, source } = isIndex(given)
    ? await fromDataset(Number(given), preprocessing, data)
    : await fromFile(given, preprocessing, data, note);
  const part = usedPart(image, preprocessing);
  if (part !== undefined) note(`${source} has ${image.width} × ${image.height} pixels: ${part}.`);
  return {
    ...preprocessImage(image, preprocessing),
    label,
    source,
    title: part === undefined ? source : `${source}, ${part}`,
  };
}

// The fate of an image of other proportions than the model's input, in words; undefined if it is used as it is.
function usedPart(
  { width, height }: { width: number; height: number },
  { size: [modelHeight, modelWidth], cropMode }: TrainedModel['preprocessing'],
): string | undefined {
  const kept = middlePart({ width, height }, { width: modelWidth, height: modelHeight });
  if (kept.width === width && kept.height === height) return undefined;
  if (cropMode === 'squash') return `squashed to ${modelWidth} × ${modelHeight}`;
  return `cropped to its middle ${kept.width} × ${kept.height}`;
}

/** Whether an image is given by its index in the data set, not as a file. */
export function isIndex(given: string): boolean {
  return /^-?\d+$/.test(given) && !existsSync(given);
}

interface Found {
  image: RgbImage;
  label: number | undefined;
  source: string;
}

async function fromDataset(
  index: number,
  { decode }: TrainedModel['preprocessing'],
  data: TrainedModel['data'],
): Promise<Found> {
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
  const part = reportedPart(data);
  const dataset = await openPart(data, part, { decode });
  if (index < 0 || index >= dataset.length) {
    throw new InputError(expected(`an index from 0 to ${dataset.length - 1}`, '--image', index));
  }
  return {
    image: await dataset.image(index),
    label: dataset.label(index),
    source: `${descriptorOf(data).title} ${part} image ${index}`,
  };
}

async function fromFile(
  file: string,
  preprocessing: TrainedModel['preprocessing'],
  data: TrainedModel['data'],
  note: (text: string) => void,
): Promise<Found> {
  const channels = preprocessing.normalize.mean.length;
  if (channels !== 1 && channels !== 3) {
    throw new InputError(expected('a model of 1 or 3 channels', 'an image file', channels));
  }
  const { decodeImage } = await import('../io/decodeImage.ts');
  const decoded = await decodeImage(file, { channels, ...decodingOf(preprocessing) });
  const descriptor = data === undefined ? undefined : descriptorOf(data);
  const adapted = descriptor?.adaptImage?.(decoded) ?? { image: decoded };
  if (adapted.note !== undefined) note(adapted.note);
  return { image: adapted.image, label: undefined, source: file };
}
