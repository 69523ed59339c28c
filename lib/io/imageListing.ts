// The images of a folder of class folders: which files there are, and their classes.

import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { byCodePoint } from '../core/codePoints.ts';
import { InputError, expected, listed } from '../core/errors.ts';
import { errorCodeOf, ioError } from './ioError.ts';

/** The suffixes of image files, in lower case; upper case is the same. */
export const imageSuffixes: readonly string[] = [
  '.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif',
]; // prettier-ignore

// Folders that systems and archives leave beside those of a person.
const systemFolders = new Set([
  '__MACOSX', '@eaDir', 'lost+found', '$RECYCLE.BIN', 'System Volume Information',
]); // prettier-ignore

/** Whether a name has the suffix of an image. */
export function isImageName(name: string): boolean {
  return imageSuffixes.includes(extname(name).toLowerCase());
}

/**
 * The images under a folder of class folders.
 *
 * @property root        the folder
 * @property classNames  the names of the class folders, in the order of code points: the order of torchvision
 * @property files       paths of the images below `root`, class by class
 * @property labels      the class of each file
 * @property changed     when each folder was changed last, in ns of the epoch, by its path below `root`
 * @property ignored     entries that are no class and no image: names that begin with a dot or are a system's own
 *                       (`__MACOSX`), and other files
 */
export interface ImageListing {
  root: string;
  classNames: readonly string[];
  files: readonly string[];
  labels: Int32Array;
  changed: ReadonlyMap<string, bigint>;
  ignored: { dotEntries: number; otherFiles: number };
}

/**
 * The options of `listImages`.
 *
 * @property allowEmptyClasses  true: a class folder without an image stays a class; default false: it is an error
 * @property classNames         the classes that there must be, when another part of the data set is already open
 */
export interface ListingOptions {
  allowEmptyClasses?: boolean | undefined;
  classNames?: readonly string[] | undefined;
}

/**
 * Lists `root/<class>/…`, as torchvision's `ImageFolder` does: classes and files in plain string order, folders inside a class
 * belonging to it, symbolic links followed.
 *
 * Names that begin with a dot and files of other suffixes are counted and left out. A link to a folder that was listed already is not
 * followed again.
 *
 * @throws IoError if a folder cannot be read
 * @throws InputError if there is no class, a class is empty, images lie beside the class folders with none in them, or the classes
 *   are not those that there must be
 *
 * @example const {classNames, files, labels} = await listImages('photos/train');
 */
export async function listImages(
  root: string,
  { allowEmptyClasses = false, classNames: wanted }: ListingOptions = {},
): Promise<ImageListing> {
  const ignored = { dotEntries: 0, otherFiles: 0 };
  const changed = new Map<string, bigint>();
  const top = await entriesOf(root, '', { ignored, changed });
  const classNames = top.folders.sort(byCodePoint);
  if (classNames.length === 0) throw new InputError(noClasses(root, top.images.length));
  ignored.otherFiles += top.images.length;
  if (wanted !== undefined) assertSameClasses(root, classNames, wanted);
  const files: string[] = [];
  const counts: number[] = [];
  for (const name of classNames) {
    const before = files.length;
    const seen = new Set([await realpath(join(root, name))]);
    await listClass(root, name, { files, seen, ignored, changed });
    counts.push(files.length - before);
  }
  const empty = classNames.filter((_, k) => counts[k] === 0);
  if (empty.length > 0 && !allowEmptyClasses) throw new InputError(emptyClasses(root, empty));
  if (files.length === 0) {
    const suffixes = imageSuffixes.join(' ');
    throw new InputError(expected(`images (${suffixes})`, root, 'none in any class folder'));
  }
  const labels = new Int32Array(files.length);
  let at = 0;
  counts.forEach((count, k) => labels.fill(k, at, (at += count)));
  return { root, classNames, files, labels, changed, ignored };
}

/** The names of the class folders in a folder, in their order, without a look inside. @throws IoError as `listImages` */
export async function classFolders(root: string): Promise<string[]> {
  const unused = { ignored: { dotEntries: 0, otherFiles: 0 }, changed: new Map<string, bigint>() };
  return (await entriesOf(root, '', unused)).folders.sort(byCodePoint);
}

interface Walk {
  files: string[];
  seen: Set<string>;
  changed: Map<string, bigint>;
  ignored: ImageListing['ignored'];
}

// The images of a folder, then those of its folders, both in order: what a sorted os.walk gives.
async function listClass(root: string, below: string, walk: Walk): Promise<void> {
  const pending = [below];
  while (pending.length > 0) {
    const folder = pending.shift()!;
    const { folders, images } = await entriesOf(root, folder, walk);
    for (const name of images.sort(byCodePoint)) walk.files.push(`${folder}/${name}`);
    const inside: string[] = [];
    for (const name of folders.sort(byCodePoint)) {
      const real = await realpath(join(root, folder, name));
      if (walk.seen.has(real)) continue;
      walk.seen.add(real);
      inside.push(`${folder}/${name}`);
    }
    pending.unshift(...inside);
  }
}

async function entriesOf(
  root: string,
  below: string,
  { ignored, changed }: Pick<Walk, 'ignored' | 'changed'>,
): Promise<{ folders: string[]; images: string[] }> {
  const place = join(root, below);
  const folders: string[] = [];
  const images: string[] = [];
  try {
    // Before it is read, so that a change meanwhile is seen the next time.
    changed.set(below, (await stat(place, { bigint: true })).mtimeNs);
    for (const entry of await readdir(place, { withFileTypes: true })) {
      const { name } = entry;
      if (name.startsWith('.') || systemFolders.has(name)) ignored.dotEntries += 1;
      else if (entry.isSymbolicLink() ? await leadsToFolder(entry, place) : entry.isDirectory()) {
        folders.push(name);
      } else if (isImageName(name)) images.push(name);
      else ignored.otherFiles += 1;
    }
  } catch (error) {
    throw ioError('read', place, error);
  }
  return { folders, images };
}

async function leadsToFolder({ name }: { name: string }, place: string): Promise<boolean> {
  try {
    return (await stat(join(place, name))).isDirectory();
  } catch (error) {
    // A link to nothing, or in a circle, is no folder; if its name is that of an image, reading it will say so.
    if (['ENOENT', 'ELOOP'].includes(errorCodeOf(error) ?? '')) return false;
    throw error;
  }
}

function noClasses(root: string, images: number): string {
  const remedy =
    images > 0
      ? `${images} images lie in it directly: put those of each class into a folder of its own.`
      : 'Its layout is <class>/<image>.';
  return expected('a folder for each class', root, 'none', remedy);
}

function emptyClasses(root: string, names: readonly string[]): string {
  const remedy = 'Remove the folders, or add --allow-empty-classes.';
  return expected('images in every class folder', root, `none in ${listed(names)}`, remedy);
}

function assertSameClasses(
  root: string,
  found: readonly string[],
  wanted: readonly string[],
): void {
  const missing = wanted.filter((name) => !found.includes(name));
  const extra = found.filter((name) => !wanted.includes(name));
  if (missing.length + extra.length === 0) return;
  const differences = [
    missing.length > 0 ? `without ${listed(missing)}` : '',
    extra.length > 0 ? `with ${listed(extra)} beside them` : '',
  ].filter((text) => text !== '');
  const remedy = 'The classes of all parts must be the same.';
  throw new InputError(
    expected('the classes of the training part', root, differences.join(' and '), remedy),
  );
}

/** A line that tells how purely numeric class names are ordered, where they are and the order is not that of their numbers. */
export function numericOrderNote(classNames: readonly string[]): string | undefined {
  if (!classNames.every((name) => /^\d+$/.test(name))) return undefined;
  const inOrder = classNames.every(
    (name, k) => k === 0 || Number(classNames[k - 1]) < Number(name),
  );
  if (inOrder) return undefined;
  const first = classNames.slice(0, 4).map((name, k) => `${k} is "${name}"`);
  return `Class names are numbers in the order of text, as in torchvision: class ${first.join(', ')}, …`;
}
