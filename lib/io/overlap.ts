// Images that a validation part shares with the training part, whose accuracy would tell nothing.

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { contentKeysOf } from './contentKeys.ts';
import type { ImageListing } from './imageListing.ts';

const looked = 200;
const mostStats = 10_000;

/**
 * A sentence on validation images that are training images too, by the numbers of `contentKeysOf`; undefined if none is found.
 *
 * 200 images of the validation part, evenly spaced, are compared with the training images of their size, and in a part of more than
 * 10,000 images with those of their name.
 */
export async function overlapNote(
  train: ImageListing,
  validation: ImageListing,
): Promise<string | undefined> {
  const step = Math.max(1, validation.files.length / looked);
  const count = Math.min(looked, validation.files.length);
  const sample = Array.from({ length: count }, (_, i) => validation.files[Math.floor(i * step)]!);
  const own = await sizedFiles(validation.root, sample);
  const sizes = new Set(own.values());
  const candidates = await sizedFiles(train.root, likely(train.files, sample));
  const others = [...candidates].flatMap(([place, size]) => (sizes.has(size) ? [place] : []));
  const originals = new Map((await keysOf(others)).map(([place, key]) => [key, place]));
  const found = (await keysOf([...own.keys()])).flatMap(([place, key]) => {
    const original = originals.get(key);
    return original === undefined ? [] : [`${place} is ${original}`];
  });
  if (found.length === 0) return undefined;
  const share = `${found.length} of ${count} validation images that were looked at`;
  return `${share} are training images too (${found[0]}): the accuracy on them says nothing about new images.`;
}

// The training images that are worth a look.
function likely(files: readonly string[], sample: readonly string[]): readonly string[] {
  if (files.length <= mostStats) return files;
  const names = new Set(sample.map((file) => basename(file)));
  return files.filter((file) => names.has(file.slice(file.lastIndexOf('/') + 1)));
}

// The files that are there and not empty, with their sizes. One that cannot be read is told when its image is asked for.
async function sizedFiles(root: string, files: readonly string[]): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const file of files) {
    const place = join(root, file);
    const found = await stat(place).catch(() => undefined);
    if (found?.isFile() === true && found.size > 0) sizes.set(place, found.size);
  }
  return sizes;
}

async function keysOf(places: readonly string[]): Promise<[place: string, key: number][]> {
  const keys = await contentKeysOf(places.length, (i) => places[i]!);
  return places.map((place, i) => [place, keys[i]!]);
}
