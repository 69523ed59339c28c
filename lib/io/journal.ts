// The redo journal of a folder. A set of files is written to a hidden folder, one rename to `.commit` commits it, then the
// files move to their places, manifest.json last. Every step can be interrupted, and the moves can be repeated.

import { basename, join } from 'node:path';
import { CheckpointError, IoError, show } from '../core/errors.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import { ioError, errorCodeOf } from './ioError.ts';
import { readBytes, renameOver, syncFolder, writeNew } from './disk.ts';
import { manifestName, maxManifestBytes, parseManifest } from './manifest.ts';
import { releaseTemporary, temporaryName } from './temporary.ts';
import type { Disk } from './disk.ts';

const journalName = '.commit';

/**
 * Replaces files of a folder as one.
 *
 * @param contents  the files with the manifest among them
 * @throws IoError naming the file that failed, else the first, and all bytes. The old set is unchanged then. If only the moves failed, the new set is
 *   committed, and the moves are finished when the folder is opened next
 */
export async function commitFiles(
  folder: string,
  contents: ReadonlyMap<string, Uint8Array>,
  disk: Disk,
): Promise<void> {
  let bytes = 0;
  for (const content of contents.values()) bytes += content.byteLength;
  const name = temporaryName('stage');
  const stage = join(folder, name);
  try {
    await disk.mkdir(stage);
    for (const [file, content] of contents) await writeNew(join(stage, file), content, disk);
    await syncFolder(stage, disk);
    await makeJournal(folder, stage, disk);
    await syncFolder(folder, disk);
  } catch (error) {
    await disk.rm(stage, { recursive: true, force: true }).catch(() => undefined);
    const name = nameIn(error) ?? [...contents.keys()][0] ?? manifestName;
    throw ioError('write', join(folder, name), error, bytes);
  } finally {
    releaseTemporary(name);
  }
  try {
    await rollForward(folder, disk);
  } catch (error) {
    const name = nameIn(error);
    if (name !== undefined) throw ioError('write', join(folder, name), error, bytes);
    throw ioError('move files within', folder, error, bytes);
  }
}

// The name of the file that the system's error is about; an error of a write to an open file has none.
function nameIn(error: unknown): string | undefined {
  const { dest, path } = (error ?? {}) as { dest?: unknown; path?: unknown };
  const place = dest ?? path;
  if (typeof place !== 'string') return undefined;
  const name = basename(place);
  return name.startsWith('.') ? undefined : name;
}

// This rename is the commit: from here on the new set counts. An older journal, ours or another process's, is finished before.
async function makeJournal(folder: string, stage: string, disk: Disk): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    await rollForward(folder, disk);
    try {
      await renameOver(stage, join(folder, journalName), disk);
      return;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(errorCodeOf(error)) || attempt === 4) throw error;
    }
  }
}

/**
 * Moves the files of a finished commit, if there is one, to their places. Throws the system's error.
 *
 * @throws IoError if what lies in the place of the journal is not one: a link is not followed, and files of others stay where they are
 */
export async function rollForward(folder: string, disk: Disk): Promise<void> {
  const from = join(folder, journalName);
  const journal = await readJournal(folder, disk);
  if (journal === undefined) return;
  if (journal.foreign !== undefined) {
    throw new IoError(
      `Expected no ${show(from)}, or the one that a save leaves when it is interrupted, received ${journal.foreign}. Move it away.`,
    );
  }
  for (const name of journal.names) {
    try {
      await renameOver(join(from, name), join(folder, name), disk);
    } catch (error) {
      // Another process may be moving the same files.
      if (errorCodeOf(error) !== 'ENOENT') throw error;
    }
  }
  await syncFolder(folder, disk);
  try {
    await disk.rmdir(from);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errorCodeOf(error))) throw error;
  }
}

/** The present path of a file, in a commit whose moves are not finished or in its place. Undefined if there is none. */
export async function findFile(
  folder: string,
  name: string,
  disk: Disk,
): Promise<string | undefined> {
  const path = join(folder, name);
  try {
    const journal = await readJournal(folder, disk);
    if (journal?.foreign === undefined && journal?.names.includes(name) === true) {
      return join(folder, journalName, name);
    }
    return (await disk.stat(path)).isFile() ? path : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCodeOf(error))) return undefined;
    throw ioError('read', path, error);
  }
}

/** A commit whose moves are not finished. `names`: its files, the manifest last. `foreign`: the reason why it is none of ours. */
interface Journal {
  names: string[];
  foreign?: string;
}

// The journal of a folder; undefined without one. Throws the system's error.
async function readJournal(folder: string, disk: Disk): Promise<Journal | undefined> {
  const from = join(folder, journalName);
  for (let attempt = 0; ; attempt += 1) {
    let names: string[];
    try {
      const found = await disk.lstat(from);
      if (!found.isDirectory()) {
        return { names: [], foreign: found.isSymbolicLink() ? 'a symbolic link' : 'a file' };
      }
      names = await disk.readdir(from);
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    if (names.length === 0) return { names };
    const foreign = await foreignIn(from, names, disk);
    // Another process may be moving the files away at this moment.
    if (foreign !== undefined && attempt < 4) continue;
    const others = names.filter((name) => name !== manifestName);
    return foreign === undefined ? { names: [...others, manifestName] } : { names, foreign };
  }
}

// A journal holds its manifest until all else is moved, and every file in it is a plain one of the size that the manifest lists.
async function foreignIn(
  from: string,
  names: readonly string[],
  disk: Disk,
): Promise<string | undefined> {
  try {
    const path = join(from, manifestName);
    if (!names.includes(manifestName) || !(await disk.lstat(path)).isFile()) {
      return `a folder without a ${manifestName}`;
    }
    const bytes = await readBytes(path, { maxBytes: maxManifestBytes, disk });
    const { files } = parseManifest(decodeUtf8(bytes, path), path);
    for (const name of names) {
      if (name === manifestName) continue;
      const found = await disk.lstat(join(from, name));
      if (!found.isFile() || files.get(name)?.bytes !== found.size) {
        return `a folder with ${show(name)}, which its ${manifestName} does not list`;
      }
    }
    return undefined;
  } catch (error) {
    const cause = error instanceof IoError ? error.cause : error;
    if (errorCodeOf(cause) === 'ENOENT') return 'a folder that changes meanwhile';
    if (error instanceof CheckpointError) return `a folder whose ${manifestName} is none of a save`;
    throw error;
  }
}
