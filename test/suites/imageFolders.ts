// Folders of images as rows of the suites need them, and the words that train on them.

import { join } from 'node:path';
import { makeImage } from '../../lib/core/image.ts';
import { encodePng } from '../../lib/io/encodePng.ts';
import { experiment } from './fixtures.ts';
import type { Place } from './place.ts';

const model = {
  imageSize: 8,
  patchSize: 4,
  inChannels: 3,
  embedDim: 12,
  depth: 1,
  numHeads: 2,
};

/** A picture of 8 × 8 pixels of one colour. */
export function picture(level: number): Uint8Array {
  return encodePng(makeImage(8, 8, 3, new Uint8Array(192).fill(level)));
}

/** Writes class folders with pictures. @returns the folder */
export function classes(
  place: Place,
  names: readonly string[],
  { count = 6, below = 'data' } = {},
) {
  names.forEach((name, k) => {
    for (let i = 0; i < count; i += 1)
      place.put(join(below, name, `${i}.png`), picture(40 * k + i));
  });
  return place.path(below);
}

/** The words that train on a folder of images. */
export function trainOn(
  place: Place,
  { dataset = 'folder', K = 2, folder = place.path('data'), epochs = 1 } = {},
  ...more: string[]
): string[] {
  const change = {
    model: { ...model, numClasses: K },
    data: { dataset, evalTransforms: [], trainTransforms: [] },
    epochs,
    batchSize: 4,
  };
  const words = ['train', '--backend', 'cpu', '--config', experiment(place, change)];
  return [...words, '--data-path', folder, '--output-dir', place.path('run'), ...more];
}
