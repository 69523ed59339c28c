// The lock of a folder, which one training run at a time holds: a file with the process id. The lock of a dead process is taken over.

import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { IoError, show } from '../core/errors.ts';
import { readBytes, renameOver, writeNew } from './disk.ts';
import { errorCodeOf, ioError } from './ioError.ts';
import { isRunning, releaseTemporary, temporaryName } from './temporary.ts';
import type { Disk } from './disk.ts';

const lockName = '.lock';

interface Owner {
  pid: number;
  host: string;
  /** The start time of the process in the kernel's count, '' where it is not known. It shows that an id was reused. */
  started: string;
}

// The paths of the locks that this process holds: its own id in any other lock file is a stale one.
const held = new Set<string>();
// The paths that this process is trying to lock: until the file is written, it looks like that of an earlier process of our id.
const trying = new Set<string>();

// A process that ends at once (a second Ctrl-C, an exit of the caller's) gives its locks back too. Node alone can do no more: after
// SIGKILL the lock stays, and is taken over.
let releasesAtExit = false;
function releaseAtExit(): void {
  if (releasesAtExit) return;
  releasesAtExit = true;
  process.once('exit', () => {
    for (const path of held) rmSync(path, { force: true });
  });
}

/**
 * Locks a folder for this process.
 *
 * @returns a function that releases the lock
 * @throws IoError naming the process that holds it, if that still runs
 */
export async function lockFolder(folder: string, disk: Disk): Promise<() => Promise<void>> {
  const lock = await tryLockFolder(folder, disk);
  if (lock instanceof IoError) throw lock;
  return lock;
}

/** `lockFolder` that gives the error of a folder in use, so that a caller can wait. @throws IoError if it can never be locked */
export async function tryLockFolder(
  folder: string,
  disk: Disk,
): Promise<(() => Promise<void>) | IoError> {
  const path = join(folder, lockName);
  const me: Owner = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  if (held.has(path) || trying.has(path)) return inUse(folder, me);
  trying.add(path);
  try {
    return await takeLock(folder, me, disk);
  } finally {
    trying.delete(path);
  }
}

async function takeLock(
  folder: string,
  me: Owner,
  disk: Disk,
): Promise<(() => Promise<void>) | IoError> {
  const path = join(folder, lockName);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    try {
      await writeNew(path, new TextEncoder().encode(`${JSON.stringify(me)}\n`), disk);
      held.add(path);
      releaseAtExit();
      let released = false;
      return async () => {
        if (released) return;
        released = true;
        await disk.unlink(path).catch(() => undefined);
        held.delete(path);
      };
    } catch (error) {
      if (errorCodeOf(error) !== 'EEXIST') throw ioError('lock', path, error);
    }
    const owner = await ownerOf(path, disk);
    if (owner !== undefined && isAlive(owner, path)) return inUse(folder, owner);
    await removeStale(path, owner, disk);
  }
  throw new IoError(`Cannot lock ${show(folder)}: other processes keep taking it. Try again.`);
}

// The owner of a lock; undefined if the lock is gone or its owner never finished writing it. Throws if it is none of ours.
async function ownerOf(path: string, disk: Disk): Promise<Owner | undefined> {
  let text = '';
  for (let attempt = 0; attempt < 10; attempt += 1) {
    try {
      if (!(await disk.lstat(path)).isFile()) throw foreignLock(path);
      text = new TextDecoder().decode(await readBytes(path, { maxBytes: 4096, disk }));
      const { pid, host, started } = JSON.parse(text) as Partial<Owner>;
      if (typeof pid !== 'number' || typeof host !== 'string') throw foreignLock(path);
      return { pid, host, started: typeof started === 'string' ? started : '' };
    } catch (error) {
      const cause = error instanceof IoError ? error.cause : error;
      if (errorCodeOf(cause) === 'ENOENT') return undefined;
      if (error instanceof IoError || errorCodeOf(error) !== '') throw error;
      // Half a line of JSON is there if the owner is writing it just now.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const beginning = '{"pid":';
  if (!text.startsWith(beginning.slice(0, text.length))) throw foreignLock(path);
  return undefined;
}

function foreignLock(path: string): IoError {
  return new IoError(
    `Expected no ${show(path)}, or the lock of a training run, received another program's. Move it away, or choose another folder.`,
  );
}

function isAlive({ pid, host, started }: Owner, path: string): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return held.has(path);
  if (!isRunning(pid)) return false;
  const now = startOf(pid);
  return started === '' || now === '' || now === started;
}

// Field 22 of /proc/<pid>/stat, counted after the name in parentheses, since the name may hold any character.
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

// Moves the stale lock aside before deleting it. If another process replaced it meanwhile, that lock is put back.
async function removeStale(path: string, dead: Owner | undefined, disk: Disk): Promise<void> {
  const name = temporaryName('lock');
  const aside = join(dirname(path), name);
  try {
    await disk.rename(path, aside);
    const moved = await ownerOf(aside, disk);
    if (JSON.stringify(moved) === JSON.stringify(dead)) await disk.unlink(aside);
    else await renameOver(aside, path, disk);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw ioError('remove', path, error);
  } finally {
    releaseTemporary(name);
  }
}

function inUse(folder: string, { pid, host }: Owner): IoError {
  const where = host === hostname() ? '' : ` on ${show(host)}`;
  const remedy =
    where === ''
      ? 'Stop it, or choose another folder.'
      : `If it no longer runs, delete ${lockName}.`;
  return new IoError(`The folder ${show(folder)} is in use by process ${pid}${where}. ${remedy}`);
}
