// Writes a FractalDB into a folder: csv/ with its categories, train/ with a folder of pictures for each.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../core/check.ts';
import { InputError, expected, show } from '../core/errors.ts';
import { searchRules } from '../fractal/candidates.ts';
import { categoryName } from '../fractal/places.ts';
import { openFolder, type Folder } from '../io/folder.ts';
import { readCategories, writeCategories } from './categoryFiles.ts';
import { searchCategories } from './search.ts';
import { systemsOf } from './systems.ts';
import type { Ifs } from '../fractal/ifs.ts';
import type { FullFractalOptions } from '../fractal/options.ts';
import type { Stop } from '../core/stop.ts';
import type { FractalWorkers } from './workers.ts';

/** The file that says what the folder holds. */
export const recordName = 'fractaldb.json';

/** The folder of the folders of pictures. */
export const picturesName = 'train';

/**
 * The receivers of the work on a folder.
 *
 * @property searchOnly  true: the CSV files alone
 * @property onProgress  told how many of how many are done: categories found, or pictures written
 * @property stop        looked at between categories; the folder can be gone on with then
 */
export interface FolderOptions {
  folder: string;
  workers: FractalWorkers;
  searchOnly?: boolean;
  onProgress?: (what: 'search' | 'pictures', done: number, total: number) => void;
  stop?: Stop | undefined;
}

/**
 * The work that was done.
 *
 * @property categories       the systems, in their order
 * @property found            how many of them were searched; 0: their files were there
 * @property written, kept    pictures that were made, and that were there already
 * @property finished         false if it was stopped
 */
export interface FolderResult {
  categories: Ifs[];
  found: number;
  written: number;
  kept: number;
  finished: boolean;
}

/**
 * Writes a FractalDB. What is in the folder already and whole is kept, so the same call goes on with one that was interrupted, and
 * one with more categories or instances adds to it.
 *
 * @throws InputError if the folder holds other pictures or something else; IoError naming the path
 */
export async function writeFractalFolder(
  options: FullFractalOptions,
  { folder, workers, searchOnly = false, onProgress, stop }: FolderOptions,
): Promise<FolderResult> {
  const store = await openFolder(folder, { create: true, lock: true });
  try {
    await claim(store, options, searchOnly);
    const { categories: count, instances, single: _, delta: __, ...rest } = options;
    let categories = await readCategories(store.path, count);
    const there = categories.length;
    if (there < count) {
      const onSearch = (done: number, total: number): void => onProgress?.('search', done, total);
      const systems = await systemsOf(options, async (n) => {
        const found = await searchCategories(n, workers, { onProgress: onSearch, stop });
        return found.map(({ ifs }) => ifs);
      });
      await writeCategories(store.path, systems, categories);
      if (systems.length < count) {
        return { categories: systems, found: systems.length, written: 0, kept: 0, finished: false };
      }
      categories = systems;
    }
    const result: FolderResult = {
      categories,
      found: there < count ? count : 0,
      written: 0,
      kept: 0,
      finished: true,
    };
    if (searchOnly) return result;
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < count && stop?.signal === undefined) {
        const category = next;
        next += 1;
        const { written, kept } = await workers.run('category', {
          ifs: categories[category]!,
          category,
          instances,
          options: rest,
          folder: join(store.path, picturesName, categoryName(category)),
        });
        result.written += written;
        result.kept += kept;
        onProgress?.('pictures', result.written + result.kept, count * instances);
      }
    };
    await allOrFirstError(Array.from({ length: Math.max(1, workers.count) }, work));
    return { ...result, finished: result.written + result.kept === count * instances };
  } finally {
    await store.close();
  }
}

// Waits for all, so that nothing is written after the lock is given back.
async function allOrFirstError(works: readonly Promise<void>[]): Promise<void> {
  for (const end of await Promise.allSettled(works)) {
    if (end.status === 'rejected') throw end.reason;
  }
}

interface FolderRecord {
  search: object;
  pictures: Omit<FullFractalOptions, 'categories' | 'instances' | 'single' | 'delta'> | null;
}

// Where the categories come from.
function searchOf({ single, delta }: FullFractalOptions): object {
  return single === null ? searchRules : { ...searchRules, single, delta };
}

// Makes the record of a new folder, and compares that of one that is there.
async function claim(
  store: Folder,
  options: FullFractalOptions,
  searchOnly: boolean,
): Promise<void> {
  const { size, pad, points, draw, weights, seed } = options;
  const wanted: FolderRecord = {
    search: searchOf(options),
    pictures: searchOnly ? null : { size, pad, points, draw, weights, seed },
  };
  const before = await recordOf(store, wanted);
  if (before === undefined) {
    const taken = (await readdir(store.path)).filter(
      (name) => name === 'csv' || name === picturesName,
    );
    if (taken.length > 0) {
      const remedy = 'Choose another folder.';
      throw new InputError(
        expected(
          `no folder ${taken[0]} of others`,
          show(store.path),
          `one without ${recordName}`,
          remedy,
        ),
      );
    }
  } else if (wanted.pictures !== null && before.pictures !== null) {
    for (const [key, value] of Object.entries(wanted.pictures)) {
      const stored = before.pictures[key];
      if (stored === value) continue;
      const remedy = 'Choose another folder, or these options.';
      throw new InputError(
        expected(
          `${show(stored)}, as its pictures were made with,`,
          `${key} in ${show(store.path)}`,
          value,
          remedy,
        ),
      );
    }
  }
  if (before !== undefined && (wanted.pictures === null || before.pictures !== null)) return;
  await store.write(recordName, `${JSON.stringify(wanted, null, 2)}\n`);
}

async function recordOf(
  store: Folder,
  wanted: FolderRecord,
): Promise<{ pictures: Record<string, unknown> | null } | undefined> {
  if (!(await store.has(recordName))) return undefined;
  const refuse = (received: unknown): never => {
    const what = `${recordName} in ${show(store.path)}`;
    throw new InputError(
      expected(
        'the record of a FractalDB with these categories',
        what,
        received,
        'Choose another folder.',
      ),
    );
  };
  const text = new TextDecoder().decode(await store.read(recordName));
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return refuse(text);
  }
  if (!isRecord(record)) return refuse(record);
  const { search, pictures } = record;
  if (JSON.stringify(search) !== JSON.stringify(wanted.search)) return refuse(search);
  if (pictures !== null && !isRecord(pictures)) return refuse(pictures);
  return { pictures };
}
