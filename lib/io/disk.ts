// Reading and writing of single files: reads do not block or over-allocate, a write is whole or not at all. Every failure becomes an
// IoError that names the path.

import { constants } from 'node:fs';
import * as promises from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { IoError, show } from '../core/errors.ts';
import { errorCodeOf, ioError } from './ioError.ts';
import { availableBytes, formatBytes, maxArrayBytes } from './memory.ts';
import { releaseTemporary, temporaryName } from './temporary.ts';

/** The file system calls in use; a test passes its own to make one fail. */
export type Disk = Pick<
  typeof promises,
  'lstat' | 'mkdir' | 'open' | 'readdir' | 'rename' | 'rm' | 'rmdir' | 'stat' | 'unlink'
>;

/** The file system of this machine. */
export const realDisk: Disk = promises;

/**
 * Makes a folder and its parents; an existing folder is left as it is. Throws the system's error.
 *
 * It goes one step at a time because Node's own `recursive` never returns where an existing folder refuses new ones with ENOENT
 * (/proc).
 */
export async function makeFolder(path: string, disk: Disk = realDisk): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); !(await isThere(at, disk)); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    await disk.mkdir(folder).catch((error: unknown) => {
      // Another process may have made it meanwhile.
      if (errorCodeOf(error) !== 'EEXIST') throw error;
    });
    // Its name must be on the disk before anything in it counts. A folder may be writable and not readable.
    await syncFolder(dirname(folder), disk).catch((error: unknown) => {
      if (errorCodeOf(error) !== 'EACCES') throw error;
    });
  }
}

async function isThere(path: string, disk: Disk): Promise<boolean> {
  try {
    if ((await disk.stat(path)).isDirectory()) return true;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
  throw Object.assign(new Error('a file is there'), { code: 'ENOTDIR' });
}

/** Limits of one read. @property maxBytes  a longer file is refused before anything is allocated; default 8 GiB */
export interface ReadOptions {
  maxBytes?: number;
  disk?: Disk;
}

/**
 * The bytes of a regular file.
 *
 * A folder, pipe, socket or device is refused without waiting for it. The file is read in pieces, so files past 2 GiB work.
 *
 * @throws IoError naming the path
 */
export async function readBytes(
  path: string,
  { maxBytes = 2 ** 33, disk = realDisk }: ReadOptions = {},
): Promise<Uint8Array> {
  let handle: promises.FileHandle | undefined;
  try {
    assertRegular(await disk.stat(path), path);
    // The file may have become a pipe since: O_NONBLOCK opens one without a writer.
    handle = await disk.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const found = await handle.stat();
    assertRegular(found, path);
    if (found.size > maxBytes) {
      throw new IoError(
        `Cannot read ${show(path)}: it has ${found.size} bytes, at most ${maxBytes} are expected.`,
      );
    }
    assertMemory(found.size, path);
    return await readWhole(handle, found.size, path);
  } catch (error) {
    throw ioError('read', path, error);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** The first bytes of a regular file, at most `length`, and its size. @throws IoError naming the path */
export async function readStart(
  path: string,
  length: number,
  disk: Disk = realDisk,
): Promise<{ start: Uint8Array; size: number }> {
  let handle: promises.FileHandle | undefined;
  try {
    assertRegular(await disk.stat(path), path);
    handle = await disk.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const found = await handle.stat();
    assertRegular(found, path);
    const { size } = found;
    return { start: await readWhole(handle, Math.min(size, length), path), size };
  } catch (error) {
    throw ioError('read', path, error);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

// Said before it is allocated: the system would end the process, without a word, when the memory is written to.
function assertMemory(size: number, path: string): void {
  const free = size > 2 ** 26 ? availableBytes() : Infinity;
  if (size <= maxArrayBytes && size <= free) return;
  const most =
    size > maxArrayBytes
      ? `Node ${process.versions.node} reads at most ${formatBytes(maxArrayBytes)} in one piece. Use a newer Node, or smaller files`
      : `${formatBytes(free)} of memory are free. Close other programs, or use a machine with more`;
  throw new IoError(`Cannot read ${show(path)}: it has ${formatBytes(size)}, and ${most}.`);
}

function assertRegular(found: { isFile(): boolean; isDirectory(): boolean }, path: string): void {
  if (found.isFile()) return;
  const what = found.isDirectory() ? 'a folder' : 'a pipe, socket or device';
  throw new IoError(`Cannot read ${show(path)}: it is ${what}, a file was expected.`);
}

async function readWhole(
  handle: promises.FileHandle,
  size: number,
  path: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(size - at, 2 ** 26), at);
    if (bytesRead === 0) {
      throw new IoError(
        `Cannot read ${show(path)}: it shrank from ${size} to ${at} bytes meanwhile.`,
      );
    }
    at += bytesRead;
  }
  return bytes;
}

/**
 * Replaces a file as a whole: a reader finds the old bytes or the new ones, after a crash too.
 *
 * It writes to a unique name in the same folder, waits until the disk has the bytes, renames, and waits for the folder. A rename
 * that fails with EBUSY, EPERM or EACCES (a virus scanner, an open file on Windows) is tried again for about two seconds.
 *
 * @throws IoError naming the path and the bytes; the old file is unchanged and nothing else is left behind
 */
export async function writeAtomically(
  path: string,
  content: Uint8Array | string,
  disk: Disk = realDisk,
): Promise<void> {
  const bytes = bytesOf(content);
  const name = temporaryName(basename(path));
  const temporary = join(dirname(path), name);
  try {
    await writeNew(temporary, bytes, disk);
    await renameOver(temporary, path, disk);
    await syncFolder(dirname(path), disk);
  } catch (error) {
    await disk.unlink(temporary).catch(() => undefined);
    throw ioError('write', path, error, bytes.byteLength);
  } finally {
    releaseTemporary(name);
  }
}

/** Content as bytes; text becomes UTF-8. */
export function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}

/**
 * Writes a file that does not exist yet and waits until the disk has it. Throws the system's error, and leaves no part of the file then.
 */
export async function writeNew(path: string, bytes: Uint8Array, disk: Disk): Promise<void> {
  const handle = await disk.open(path, 'wx');
  try {
    await writeAll(handle, bytes);
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await disk.unlink(path).catch(() => undefined);
    throw error;
  }
}

async function writeAll(handle: promises.FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.byteLength) {
    const length = Math.min(bytes.byteLength - at, 2 ** 26);
    const { bytesWritten } = await handle.write(bytes, at, length, at);
    // Some file systems report a full disk as a write of nothing.
    if (bytesWritten === 0)
      throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    at += bytesWritten;
  }
}

/** Renames, and tries again while another program holds the target. Throws the system's error. */
export async function renameOver(from: string, to: string, disk: Disk): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await disk.rename(from, to);
      return;
    } catch (error) {
      const passing = ['EBUSY', 'EPERM', 'EACCES'].includes(errorCodeOf(error));
      if (!passing || attempt === 7) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2 ** attempt * 16));
    }
  }
}

/** Waits until the disk has the folder's names. Does nothing where folders cannot be opened (Windows). */
export async function syncFolder(path: string, disk: Disk): Promise<void> {
  let handle: promises.FileHandle;
  try {
    handle = await disk.open(path, 'r');
  } catch (error) {
    if (['EISDIR', 'EPERM', 'EACCES'].includes(errorCodeOf(error)) && process.platform === 'win32')
      return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    // Network and FUSE file systems may not know fsync of a folder.
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes(errorCodeOf(error))) throw error;
  } finally {
    await handle.close();
  }
}
