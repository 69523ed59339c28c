import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VitError } from '../../lib/core/errors.ts';
import type { Disk } from '../../lib/io/disk.ts';

/** A fresh folder for each test of a file, removed after it. */
export function temporaryFolder(): () => string {
  let place = '';
  beforeEach(() => {
    place = fs.mkdtempSync(join(tmpdir(), 'vit-io-'));
  });
  afterEach(() => {
    fs.rmSync(place, { recursive: true, force: true });
  });
  return () => place;
}

/** The message of the library's refusal; 'done' if it does not refuse. Any other error is rethrown. */
export async function refusalOf(
  work: Promise<unknown> | (() => Promise<unknown>),
): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    expect(error.message).toMatch(/\.$/);
    return error.message;
  }
  return 'done';
}

/** A system error as Node throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** The hidden files of a folder. */
export function hiddenIn(folder: string): string[] {
  return fs.readdirSync(folder).filter((name) => name.startsWith('.'));
}

/** The real disk, each file handle's method replaced by what `change` returns for it. */
export function diskWith(
  change: (handle: promises.FileHandle, path: string) => Partial<promises.FileHandle>,
): Disk {
  return {
    ...promises,
    open: async (path, flags, mode) => {
      const handle = await promises.open(path, flags, mode);
      const changed = change(handle, String(path));
      return new Proxy(handle, {
        get: (target, key): unknown => {
          if (key in changed) return Reflect.get(changed, key);
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
}

/** A disk on which, after a number of calls, nothing works any more, as for a process that was killed. */
export function crashingDisk(): { disk: Disk; arm: (calls: number) => void } {
  let left = Infinity;
  const step = (): void => {
    left -= 1;
    if (left < 0) throw systemError('ECRASH');
  };
  const counted =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      step();
      return call(...args);
    };
  const disk = diskWith((handle) => ({
    write: counted((...args: [Uint8Array]) => handle.write(...args)) as never,
    sync: counted(() => handle.sync()),
  }));
  const calls = Object.entries({ ...promises, open: disk.open }).map(([name, call]) => [
    name,
    typeof call === 'function' ? counted(call as (...args: unknown[]) => Promise<unknown>) : call,
  ]);
  const arm = (count: number): void => {
    left = count;
  };
  return { disk: Object.fromEntries(calls) as Disk, arm };
}
