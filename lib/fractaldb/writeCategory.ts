// Writes the pictures of a category into its folder; those that are there and whole are kept.

import { open, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../io/disk.ts';
import { ioError } from '../io/ioError.ts';
import { isLeftover, releaseTemporary, temporaryName } from '../io/temporary.ts';
import { fileName, placesOf } from '../fractal/places.ts';
import { encodeIndexedPng, pngEnd } from './indexedPng.ts';
import type { FractalRenderer, PictureOptions } from '../fractal/renderer.ts';
import type { Ifs } from '../fractal/ifs.ts';

/** The pictures of a category and their folder. */
export interface CategoryTask {
  ifs: Ifs;
  category: number;
  instances: number;
  options: PictureOptions;
  folder: string;
}

/**
 * Writes the pictures of a category that are missing in its folder, which is made if it is not there. Each appears under its name
 * when it is whole.
 *
 * @returns how many were written, and how many were there
 * @throws IoError naming the path
 */
export async function writeCategory(
  { ifs, category, instances, folder }: CategoryTask,
  renderer: FractalRenderer,
): Promise<{ written: number; kept: number }> {
  const there = await filesOf(folder);
  let [written, kept] = [0, 0];
  for (const place of placesOf(category, instances)) {
    const name = fileName(place);
    if (there.has(name) && (await isWhole(join(folder, name)))) {
      kept += 1;
      continue;
    }
    await writeWhole(folder, name, encodeIndexedPng(renderer.picture(ifs, place)));
    written += 1;
  }
  return { written, kept };
}

async function filesOf(folder: string): Promise<Set<string>> {
  try {
    await makeFolder(folder);
    const names = await readdir(folder);
    for (const name of names) if (isLeftover(name)) await rm(join(folder, name), { force: true });
    return new Set(names);
  } catch (error) {
    throw ioError('write into', folder, error);
  }
}

// A power cut may leave a file without its end, though under its name.
async function isWhole(path: string): Promise<boolean> {
  let file;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    const end = new Uint8Array(pngEnd.length);
    if (size < end.length) return false;
    await file.read(end, 0, end.length, size - end.length);
    return Buffer.compare(end, pngEnd) === 0;
  } catch (error) {
    throw ioError('read', path, error);
  } finally {
    await file?.close();
  }
}

// Written beside its place and renamed. A million pictures cannot each wait for the disk, so the next run looks at their ends.
async function writeWhole(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryName(name);
  const path = join(folder, temporary);
  try {
    await writeFile(path, bytes, { flag: 'wx' });
    await rename(path, join(folder, name));
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw ioError('write', join(folder, name), error, bytes.length);
  } finally {
    releaseTemporary(temporary);
  }
}
