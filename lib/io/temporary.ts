// Hidden names for unfinished files. They carry the process id, so that those of a dead process are known as such.

import { randomBytes } from 'node:crypto';
import { errorCodeOf } from './ioError.ts';

// The names that this process uses now. Any other name with our id was left by an earlier process of the same id.
const inUse = new Set<string>();
const temporaryPattern = /^\..*\.([0-9]+)-[0-9a-f]{16}\.tmp$/;

/** A unique hidden name for an unfinished file, in use until `releaseTemporary`. */
export function temporaryName(purpose: string): string {
  const name = `.${purpose.slice(0, 32)}.${process.pid}-${randomBytes(8).toString('hex')}.tmp`;
  inUse.add(name);
  return name;
}

/** Marks a temporary name as no longer in use. */
export function releaseTemporary(name: string): void {
  inUse.delete(name);
}

/** Whether a name is a temporary one whose process is gone: the leftover of a crash. */
export function isLeftover(name: string): boolean {
  const pid = Number(temporaryPattern.exec(name)?.[1] ?? NaN);
  if (Number.isNaN(pid)) return false;
  return pid === process.pid ? !inUse.has(name) : !isRunning(pid);
}

/** Whether a process of this id runs on this machine. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return errorCodeOf(error) === 'EPERM';
  }
}
