// Finds the folders of golden cases.

import { readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { IoError, InputError, show } from '../core/errors.ts';
import { ioError } from '../io/ioError.ts';

/**
 * The folders with a case.json at or below the given ones, in order of their paths.
 *
 * Links to folders are followed once each, so a link to a parent folder ends. A case is not searched for cases below it.
 *
 * @throws IoError if a given path is not a folder or a folder below it cannot be listed
 * @throws InputError if there is no case at or below one of the given paths
 */
export function findCases(roots: readonly string[]): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const root of roots) {
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new IoError(
        `Expected a folder of golden cases, received ${show(root)}: no folder there.`,
      );
    }
    if (!search(root, seen, found)) {
      throw new InputError(
        `Expected case.json at or below ${show(root)}, received none. Give a case or a folder above cases.`,
      );
    }
  }
  return found;
}

// True if a case is at or below the folder, also one that was found before.
function search(folder: string, seen: Set<string>, found: string[]): boolean {
  const real = realpathSync(folder);
  const isNew = !seen.has(real);
  seen.add(real);
  if (statSync(path.join(folder, 'case.json'), { throwIfNoEntry: false })?.isFile() === true) {
    if (isNew) found.push(folder);
    return true;
  }
  if (!isNew) return false;
  let below = false;
  for (const name of list(folder)) {
    const child = path.join(folder, name);
    if (statSync(child, { throwIfNoEntry: false })?.isDirectory() === true) {
      below = search(child, seen, found) || below;
    }
  }
  return below;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw ioError('read', folder, error);
  }
}
