// A data set of image files: decoded when asked for, a damaged file replaced by another of its class.

import { isAbsolute, join } from 'node:path';
import { InputError, IoError, expected } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { BadImages } from '../data/badImages.ts';
import type { Dataset } from '../data/dataset.ts';
import type { DecodeMode } from '../data/preprocessing.ts';
import type { ImageListing } from './imageListing.ts';

/**
 * The options of `imageFolderDataset`.
 *
 * @property decode    default 'display'
 * @property inputSize  gives [H, W] of the model's input, for decode 'fast'
 * @property channels  3 or 1; default 3
 * @property bad       notes damaged images; default: the first one is an error
 */
export interface ImageFolderOptions {
  decode?: DecodeMode | undefined;
  inputSize?: (() => readonly [number, number]) | undefined;
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
  {
    root,
    classNames,
    files,
    labels,
  }: Pick<ImageListing, 'root' | 'classNames' | 'files' | 'labels'>,
  { decode = 'display', inputSize, channels = 3, bad = new BadImages(0) }: ImageFolderOptions = {},
): Dataset {
  let members: ClassMembers | undefined;
  const options = () => ({
    mode: decode,
    channels,
    ...(decode === 'fast' && inputSize && { atLeast: inputSize() }),
  });
  const place = (index: number) =>
    isAbsolute(files[index]!) ? files[index]! : join(root, files[index]!);
  // The file that stands for an index after so many that could not be decoded.
  const chosen = (index: number, failures: readonly Error[]): number => {
    if (failures.length === 0) return index;
    members ??= new ClassMembers(labels, classNames.length);
    const others = members.replacements(index);
    const at = (n: number): number | undefined => (n === 0 ? index : others[n - 1]);
    bad.add(place(at(failures.length - 1)!), failures.at(-1)!.message);
    const next = at(failures.length);
    if (next !== undefined) return next;
    const name = `class ${classNames[labels[index]!]}`;
    throw new InputError(expected('an image that can be read', name, 'none'));
  };
  return {
    length: files.length,
    numClasses: classNames.length,
    classNames,
    label: (index) => labels[index]!,
    source: (index, failures = []) => ({
      reader: 'file',
      file: place(chosen(index, failures)),
      ...options(),
    }),
    file: (index) => files[index]!,
    contentKeys: async () => {
      const { contentKeysOf } = await import('./contentKeys.ts');
      return contentKeysOf(files.length, place);
    },
    async image(index) {
      // The codec is loaded with the first image, so that a data set of another kind works without it.
      const { decodeImage } = await import('./decodeImage.ts');
      const failures: Error[] = [];
      for (;;) {
        const file = place(chosen(index, failures));
        try {
          return await decodeImage(file, options());
        } catch (error) {
          if (!(error instanceof IoError)) throw error;
          failures.push(error);
        }
      }
    },
  };
}

// The images of each class, in the order of the data set.
class ClassMembers {
  private readonly labels: Int32Array;
  private readonly firsts: Uint32Array;
  private readonly order: Uint32Array;

  constructor(labels: Int32Array, K: number) {
    this.labels = labels;
    this.firsts = new Uint32Array(K + 1);
    this.order = new Uint32Array(labels.length);
    for (const label of labels) this.firsts[label + 1]! += 1;
    for (let k = 0; k < K; k += 1) this.firsts[k + 1]! += this.firsts[k]!;
    const next = this.firsts.slice();
    labels.forEach((label, i) => (this.order[next[label]!++] = i));
  }

  // The other images of the class in an order that depends on the index alone.
  replacements(index: number): number[] {
    const label = this.labels[index]!;
    const own = this.order.subarray(this.firsts[label], this.firsts[label + 1]);
    const drawn = new Rng(0).split('replacement', index).permutation(own.length);
    return Array.from(drawn, (i) => own[i]!).filter((other) => other !== index);
  }
}
