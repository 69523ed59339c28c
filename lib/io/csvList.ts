// A data set of image files that a CSV file lists, one a line: path and label.

import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { byCodePoint } from '../core/codePoints.ts';
import { InputError, expected, listed } from '../core/errors.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import { IMAGENET_NORMALIZATION } from '../data/normalize.ts';
import { csvRows, type CsvRow } from './csvRows.ts';
import { readBytes } from './disk.ts';
import { imageFolderDataset } from './imageFolder.ts';
import { ioError } from './ioError.ts';
import type { Dataset } from '../data/dataset.ts';
import type { DatasetDescriptor, DatasetPart, OpenDatasetOptions } from '../data/registry.ts';

/**
 * Images that a CSV file lists: `path,label` on each line, with or without such a heading. Paths are relative to the file's folder,
 * and lie in it: a list from elsewhere reads no other files.
 *
 * `--data-path` is the file, or a folder with `train.csv` and, where there is one, `val.csv` and `test.csv`. Labels are whole numbers
 * from 0, or names, which get their numbers in the order of code points. A file `classes.txt` beside the list names the classes of
 * numbers, one a line.
 */
export const csvDescriptor: DatasetDescriptor = {
  name: 'csv',
  title: 'the CSV list',
  parts: ['train', 'validation', 'test'],
  inputChannels: 3,
  normalize: IMAGENET_NORMALIZATION,
  partsIn: (folder) =>
    folder === undefined || !isFolder(folder)
      ? ['train']
      : parts.filter((part) => part === 'train' || existsSync(join(folder, fileNames[part]))),
  async open(options) {
    const { folder, part, allowEmptyClasses = false } = options;
    if (folder === undefined) {
      const remedy = 'Give it, or a folder with train.csv: --data-path FILE.';
      throw new InputError(expected('a CSV file', 'the images of the data set', folder, remedy));
    }
    const fileOf = (of: DatasetPart) => (isFolder(folder) ? join(folder, fileNames[of]) : folder);
    const train = await listOf(fileOf('train'));
    const classes = await classesOf(train, { allowEmptyClasses });
    return opened(part === 'train' ? train : await listOf(fileOf(part)), classes, options);
  },
};

const parts = ['train', 'validation', 'test'] as const;
const fileNames = { train: 'train.csv', validation: 'val.csv', test: 'test.csv' } as const;

// As many as an evaluation can count.
const mostClasses = 1_000_000;

interface List {
  readonly file: string;
  readonly rows: readonly CsvRow[];
}

interface Classes {
  readonly names: readonly string[];
  readonly isNumeric: boolean;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function listOf(file: string): Promise<List> {
  const text = decodeUtf8(await readBytes(file, { maxBytes: 2 ** 29 }), file);
  const rows = csvRows(text, file);
  if (rows.length === 0) throw new InputError(expected('lines of path,label', file, 'none'));
  return { file, rows };
}

// The classes, from classes.txt or from the training list. Labels are numbers where all of that list's are.
async function classesOf(
  { file, rows }: List,
  { allowEmptyClasses }: { allowEmptyClasses: boolean },
): Promise<Classes> {
  const place = join(dirname(file), 'classes.txt');
  const isNumeric = rows.every(({ label }) => isNumber(label));
  if (existsSync(place)) {
    const text = decodeUtf8(await readBytes(place, { maxBytes: 2 ** 26 }), place);
    return { isNumeric, names: text.split(/\r?\n/).filter((line) => line !== '') };
  }
  if (!isNumeric) {
    return { isNumeric, names: [...new Set(rows.map(({ label }) => label))].sort(byCodePoint) };
  }
  const used = new Set<number>();
  for (const { label, line } of rows) {
    if (Number(label) >= mostClasses) throw outOfRange(file, line, label, mostClasses);
    used.add(Number(label));
  }
  const K = rows.reduce((most, { label }) => Math.max(most, Number(label)), 0) + 1;
  const names = Array.from({ length: K }, (_, k) => String(k));
  const empty = names.filter((_, k) => !used.has(k));
  if (empty.length > 0 && !allowEmptyClasses) {
    const remedy = 'Number the classes without gaps, or add --allow-empty-classes.';
    const what = `images of every class from 0 to ${K - 1}`;
    throw new InputError(expected(what, file, `none of ${listed(empty)}`, remedy));
  }
  return { isNumeric, names };
}

async function opened(
  { file, rows }: List,
  { names: classNames, isNumeric }: Classes,
  { decode, inputSize, bad, onNote }: OpenDatasetOptions,
): Promise<Dataset> {
  if (classNames.length < 2) {
    const remedy = 'A classifier tells classes apart: add images of another one.';
    throw new InputError(expected('at least two classes', file, classNames.length, remedy));
  }
  const byName = new Map(classNames.map((name, k) => [name, k]));
  const labels = Int32Array.from(rows, ({ label, line }) => {
    const number = isNumber(label) ? Number(label) : -1;
    const k = isNumeric ? number : (byName.get(label) ?? -1);
    if (k >= 0 && k < classNames.length) return k;
    if (isNumeric) throw outOfRange(file, line, label, classNames.length);
    const what = `one of ${listed(classNames)}`;
    throw new InputError(expected(what, `the label in line ${line} of ${file}`, label));
  });
  const root = dirname(file);
  for (const row of rows) assertInside(root, row, file);
  await assertFiles(file, rows);
  onNote?.(`${file}: ${rows.length} images of ${classNames.length} classes.`);
  const files = rows.map(({ path }) => path);
  return imageFolderDataset({ root, classNames, files, labels }, { decode, inputSize, bad });
}

function isNumber(label: string): boolean {
  return /^\d{1,15}$/.test(label);
}

function outOfRange(file: string, line: number, label: string, K: number): InputError {
  return new InputError(
    expected(`a class from 0 to ${K - 1}`, `the label in line ${line} of ${file}`, label),
  );
}

// A backslash is a separator on Windows, so it would leave the folder there.
function assertInside(root: string, { path, line }: CsvRow, file: string): void {
  const way = relative(root, resolve(root, path));
  const leaves = way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  if (!leaves && !/\\|\0|^[a-z][a-z\d+.-]*:/i.test(path)) return;
  const remedy = 'Put the list into a folder above its images, and write paths with /.';
  const what = 'a path below the folder of the list';
  throw new InputError(expected(what, `line ${line} of ${file}`, path, remedy));
}

// The first file of a list, in its order, that is not there.
async function assertFiles(file: string, rows: readonly CsvRow[]): Promise<void> {
  const root = dirname(file);
  const atOnce = 64;
  for (let i = 0; i < rows.length; i += atOnce) {
    const some = rows.slice(i, i + atOnce);
    const found = await Promise.allSettled(some.map(({ path }) => stat(resolve(root, path))));
    const at = found.findIndex(({ status }) => status === 'rejected');
    if (at < 0) continue;
    const { line } = some[at]!;
    const { reason } = found[at] as { reason: unknown };
    const { message } = ioError('read', resolve(root, some[at]!.path), reason);
    throw new InputError(
      expected('an image file', `line ${line} of ${file}`, some[at]!.path, message),
    );
  }
}
