// Images that a validation part shares with the training part, whose accuracy would tell nothing.

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { IoError } from '../core/errors.ts';
import { readBytes } from './disk.ts';
import { sha256 } from './hash.ts';
import type { ImageListing } from './imageListing.ts';

const looked = 200;
const mostStats = 10_000;
const mostBytes = 2 ** 26;

/**
 * A sentence on validation images that are training images too, byte for byte; undefined if none is found.
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
  const bySize = new Map<number, string[]>();
  for (const file of likely(train.files, sample)) {
    const place = join(train.root, file);
    const size = await sizeOf(place);
    if (size !== undefined) bySize.set(size, [...(bySize.get(size) ?? []), place]);
  }
  const hashes = new Map<string, Promise<string | undefined>>();
  const hashOf = (place: string): Promise<string | undefined> => {
    const known = hashes.get(place) ?? hash(place);
    hashes.set(place, known);
    return known;
  };
  const found: string[] = [];
  for (const file of sample) {
    const place = join(validation.root, file);
    const size = await sizeOf(place);
    for (const other of (size !== undefined && bySize.get(size)) || []) {
      const own = await hashOf(place);
      if (own === undefined || own !== (await hashOf(other))) continue;
      found.push(`${place} is ${other}`);
      break;
    }
  }
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

async function sizeOf(place: string): Promise<number | undefined> {
  try {
    const found = await stat(place);
    return found.isFile() && found.size > 0 && found.size <= mostBytes ? found.size : undefined;
  } catch {
    // An image that cannot be read is told when it is asked for.
    return undefined;
  }
}

async function hash(place: string): Promise<string | undefined> {
  try {
    return sha256(await readBytes(place, { maxBytes: mostBytes }));
  } catch (error) {
    if (error instanceof IoError) return undefined;
    throw error;
  }
}
