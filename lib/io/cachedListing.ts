// Listings that are kept while the process runs, and made again when a folder has changed.

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { listImages, type ImageListing, type ListingOptions } from './imageListing.ts';

// A run has two or three parts; more are those of a program that opens one data set after the other.
const most = 4;
const kept = new Map<string, ImageListing>();

/**
 * `listImages`, whose result is kept: a data set whose parts are opened one after the other is listed once.
 *
 * A folder in which a name was added or removed has another time of change, and then everything is listed anew.
 *
 * @throws as `listImages`
 */
export async function cachedListing(
  root: string,
  options: ListingOptions = {},
): Promise<ImageListing> {
  const { allowEmptyClasses = false, classNames = null } = options;
  const key = JSON.stringify([resolve(root), allowEmptyClasses, classNames]);
  const known = kept.get(key);
  if (known !== undefined && (await isCurrent(known))) return known;
  kept.delete(key);
  const listing = await listImages(root, options);
  const [oldest] = kept.keys();
  if (kept.size >= most && oldest !== undefined) kept.delete(oldest);
  kept.set(key, listing);
  return listing;
}

/** The listing of a folder if it was made before; undefined otherwise, so that nothing is listed for it. */
export function knownListing(
  root: string,
  { allowEmptyClasses = false }: Pick<ListingOptions, 'allowEmptyClasses'> = {},
): ImageListing | undefined {
  return kept.get(JSON.stringify([resolve(root), allowEmptyClasses, null]));
}

async function isCurrent({ root, changed }: ImageListing): Promise<boolean> {
  try {
    for (const [folder, time] of changed) {
      if ((await stat(join(root, folder), { bigint: true })).mtimeNs !== time) return false;
    }
    return true;
  } catch {
    return false;
  }
}
