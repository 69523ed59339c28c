// A data set of image files: decoded when asked for, a damaged file replaced by another of its class.

import { join } from 'node:path';
import { InputError, IoError, expected, messageOf } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Dataset } from '../data/dataset.ts';
import type { DecodeMode } from '../data/preprocessing.ts';
import type { ImageListing } from './imageListing.ts';

/** An image file that could not be used, and why. */
export interface BadImage {
  file: string;
  reason: string;
}

/**
 * The damaged images of a data set, counted once each.
 *
 * @property max  how many may be met before the run ends
 */
export class BadImages {
  readonly max: number;
  private readonly reasons = new Map<string, string>();

  constructor(max: number) {
    this.max = max;
  }

  /** Notes one. @throws InputError if there are more than `max`, naming the first and this one */
  add(file: string, reason: string): void {
    if (this.reasons.has(file)) return;
    this.reasons.set(file, reason);
    if (this.reasons.size <= this.max) return;
    const [first] = this.list();
    const found = `${this.reasons.size}, the first: ${first!.reason}`;
    const remedy = 'Mend or remove the files, or raise --max-bad.';
    throw new InputError(
      expected(`at most ${this.max} damaged images`, 'the data set', found, remedy),
    );
  }

  /** All of them, in the order in which they were met. */
  list(): BadImage[] {
    return [...this.reasons].map(([file, reason]) => ({ file, reason }));
  }
}

/**
 * The options of `imageFolderDataset`.
 *
 * @property decode    default 'display'
 * @property channels  3 or 1; default 3
 * @property bad       notes damaged images; default: the first one is an error
 */
export interface ImageFolderOptions {
  decode?: DecodeMode | undefined;
  channels?: 1 | 3;
  bad?: BadImages | undefined;
}

/**
 * The images of a listing as a data set.
 *
 * A file that cannot be decoded is replaced by another of its class, always the same one, so that labels and the size of an epoch
 * stay. Each is noted in `bad`.
 *
 * @example const dataset = imageFolderDataset(await listImages('photos/train'), {bad: new BadImages(50)});
 */
export function imageFolderDataset(
  { root, classNames, files, labels }: ImageListing,
  { decode = 'display', channels = 3, bad = new BadImages(0) }: ImageFolderOptions = {},
): Dataset {
  const firsts = firstOfClasses(labels, classNames.length);
  const open = async (index: number) => {
    // The codec is loaded with the first image, so that a data set of another kind works without it.
    const { decodeImage } = await import('./decodeImage.ts');
    return decodeImage(join(root, files[index]!), { mode: decode, channels });
  };
  return {
    length: files.length,
    numClasses: classNames.length,
    classNames,
    label: (index) => labels[index]!,
    async image(index) {
      try {
        return await open(index);
      } catch (error) {
        if (!(error instanceof IoError)) throw error;
        bad.add(files[index]!, error.message);
      }
      for (const other of replacements(index, labels[index]!, firsts)) {
        try {
          return await open(other);
        } catch (error) {
          if (!(error instanceof IoError)) throw error;
          bad.add(files[other]!, messageOf(error));
        }
      }
      const name = classNames[labels[index]!];
      throw new InputError(expected('an image that can be read', `class ${name}`, 'none'));
    },
  };
}

// Where the files of each class begin; the last entry is the number of all.
function firstOfClasses(labels: Int32Array, K: number): Uint32Array {
  const firsts = new Uint32Array(K + 1);
  for (const label of labels) firsts[label + 1]! += 1;
  for (let k = 0; k < K; k += 1) firsts[k + 1]! += firsts[k]!;
  return firsts;
}

// The other images of the class in an order that depends on the index alone.
function* replacements(index: number, label: number, firsts: Uint32Array): Generator<number> {
  const [from, end] = [firsts[label]!, firsts[label + 1]!];
  for (const i of new Rng(0).split('replacement', index).permutation(end - from)) {
    if (from + i !== index) yield from + i;
  }
}
