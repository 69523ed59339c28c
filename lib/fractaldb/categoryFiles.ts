// The parameters of categories as CSV files in a folder.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, expected, show } from '../core/errors.ts';
import { formatCsv, parseCsv } from '../fractal/csv.ts';
import { categoryName } from '../fractal/places.ts';
import { makeFolder, readBytes, writeAtomically } from '../io/disk.ts';
import { errorCodeOf, ioError } from '../io/ioError.ts';
import type { Ifs } from '../fractal/ifs.ts';

/** The folder of the CSV files in that of a FractalDB. */
export function csvFolder(folder: string): string {
  return join(folder, 'csv');
}

/**
 * The systems of the categories 0 … count − 1 that have a file there, up to the first that has none.
 *
 * @throws IoError, InputError naming a file that cannot be read, or is not what it should be
 */
export async function readCategories(folder: string, count: number): Promise<Ifs[]> {
  const names = new Set(await namesOf(csvFolder(folder)));
  const found: Ifs[] = [];
  for (; found.length < count;) {
    const name = `${categoryName(found.length)}.csv`;
    if (!names.has(name)) break;
    const path = join(csvFolder(folder), name);
    const text = new TextDecoder().decode(await readBytes(path, { maxBytes: 2 ** 20 }));
    found.push(parseCsv(text, path));
  }
  return found;
}

/**
 * Writes the file of each category that has none.
 *
 * @param there  the systems of the first categories, whose files are there
 * @throws InputError if one of those is of another system; IoError naming the path
 */
export async function writeCategories(
  folder: string,
  categories: readonly Ifs[],
  there: readonly Ifs[],
): Promise<void> {
  const path = (category: number) => join(csvFolder(folder), `${categoryName(category)}.csv`);
  there.forEach((ifs, category) => {
    if (category >= categories.length || formatCsv(ifs) === formatCsv(categories[category]!))
      return;
    const remedy = 'Remove it, or choose another folder.';
    throw new InputError(
      expected(`category ${category} of the search`, show(path(category)), 'another', remedy),
    );
  });
  await makeFolder(csvFolder(folder)).catch((error: unknown) => {
    throw ioError('write into', csvFolder(folder), error);
  });
  for (let category = there.length; category < categories.length; category += 1) {
    await writeAtomically(path(category), formatCsv(categories[category]!));
  }
}

async function namesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw ioError('read', folder, error);
  }
}
