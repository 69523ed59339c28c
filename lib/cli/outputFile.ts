// Files that a command writes: checked before the work, written whole.

import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { IoError, expected } from '../core/errors.ts';
import { makeFolder, writeAtomically as replaceFile } from '../io/disk.ts';
import { errorCodeOf, ioError } from '../io/ioError.ts';

/**
 * Makes sure that a file can be written, before the work whose result it takes. Nothing is made yet.
 *
 * @throws IoError naming the path
 */
export async function assertWritable(file: string): Promise<void> {
  const folder = path.dirname(path.resolve(file));
  try {
    await access(await nearestThere(folder), constants.W_OK);
  } catch (error) {
    throw ioError('write', file, error);
  }
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    throw new IoError(
      expected('the name of a file', 'the output', file, 'Something else is there.'),
    );
  }
}

/** Writes the result of a command, whole or not at all; its folder is made if it is not there. @throws IoError naming the path */
export async function writeAtomically(file: string, content: Uint8Array | string): Promise<void> {
  await makeFolder(path.dirname(file)).catch((error: unknown) => {
    throw ioError('write', file, error);
  });
  await replaceFile(file, content);
}

// The folder itself, or the nearest above it that is there.
async function nearestThere(folder: string): Promise<string> {
  try {
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return nearestThere(path.dirname(folder));
    throw error;
  }
  throw Object.assign(new Error('a file is there'), { code: 'ENOTDIR' });
}
