// The redo journal of a folder. A set of files is written to a hidden folder, one rename to `.commit` commits it, then the
// files move to their places, manifest.json last. Every step can be interrupted, and the moves can be repeated.

import { join } from 'node:path';
import { ioError, errorCodeOf } from './ioError.ts';
import { renameOver, syncFolder, writeNew } from './disk.ts';
import { releaseTemporary, temporaryName } from './temporary.ts';
import type { Disk } from './disk.ts';

/** The name of the file that lists a set. */
export const manifestName = 'manifest.json';
const journalName = '.commit';

/**
 * Replaces files of a folder as one.
 *
 * @param contents  the files with the manifest among them
 * @throws IoError naming the first file and all bytes. The old set is unchanged then. If only the moves failed, the new set is
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
    throw ioError('write', join(folder, [...contents.keys()][0] ?? manifestName), error, bytes);
  } finally {
    releaseTemporary(name);
  }
  try {
    await rollForward(folder, disk);
  } catch (error) {
    throw ioError('move files within', folder, error, bytes);
  }
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

/** Moves the files of a finished commit, if there is one, to their places. Throws the system's error. */
export async function rollForward(folder: string, disk: Disk): Promise<void> {
  const from = join(folder, journalName);
  let names: string[];
  try {
    names = await disk.readdir(from);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  const last = names.includes(manifestName) ? [manifestName] : [];
  for (const name of [...names.filter((other) => other !== manifestName), ...last]) {
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
  for (const path of [join(folder, journalName, name), join(folder, name)]) {
    try {
      if ((await disk.stat(path)).isFile()) return path;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errorCodeOf(error))) throw ioError('read', path, error);
    }
  }
  return undefined;
}
