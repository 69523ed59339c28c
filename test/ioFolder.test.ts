import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, InputError, IoError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { readBytes, writeAtomically } from '../lib/io/disk.ts';
import { openFolder } from '../lib/io/folder.ts';
import { killRounds } from './support/killRounds.ts';
import { setOfVersion, versionOf } from './support/versionedSet.ts';
import type { Disk } from '../lib/io/disk.ts';

let place: string;
beforeEach(() => {
  place = fs.mkdtempSync(join(tmpdir(), 'vit-io-'));
});
afterEach(() => {
  fs.rmSync(place, { recursive: true, force: true });
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const hiddenIn = (folder: string): string[] =>
  fs.readdirSync(folder).filter((name) => name.startsWith('.'));
const failure = (code: string): Error => Object.assign(new Error(code), { code });

async function messageOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (
      error instanceof IoError ||
      error instanceof CheckpointError ||
      error instanceof InputError
    ) {
      expect(error.message).toMatch(/\.$/);
      return error.message;
    }
    throw error;
  }
  return 'done';
}

/** The real disk, each file handle's method replaced by what `change` returns for it. */
function diskWith(
  change: (handle: promises.FileHandle, path: string) => Partial<promises.FileHandle>,
): Disk {
  return {
    ...promises,
    open: async (path, flags, mode) => {
      const handle = await promises.open(path, flags, mode);
      const changed = change(handle, String(path));
      return new Proxy(handle, {
        get: (target, key) => {
          const value: unknown = Reflect.get(key in changed ? changed : target, key);
          return typeof value === 'function' && !(key in changed) ? value.bind(target) : value;
        },
      });
    },
  };
}

describe('one file', () => {
  test('is replaced, and nothing else is left', async () => {
    const store = await openFolder(place);
    await store.write('log.jsonl', 'one');
    await store.write('log.jsonl', 'two');
    expect(text(await store.read('log.jsonl'))).toBe('two');
    expect(await store.has('log.jsonl')).toBe(true);
    expect(await store.has('other')).toBe(false);
    expect(fs.readdirSync(place)).toEqual(['log.jsonl']);
  });

  test('a missing one is an IoError with its path', async () => {
    const store = await openFolder(place);
    expect(await messageOf(store.read('nothing.json'))).toMatch(
      /nothing\.json.*no such file.*ENOENT/,
    );
  });

  test.each(['', '.', '..', '.commit', 'a/b', 'a\\b', '../x', 'a\0', 'x'.repeat(256)])(
    'the name %j is refused',
    async (name) => {
      const store = await openFolder(place);
      await expect((async () => store.write(name, 'x'))()).rejects.toThrow(InputError);
      await expect(store.read(name)).rejects.toThrow(InputError);
    },
  );

  test.each(['a b', "it's", '日本語.json', '-x', '%s', 'é'.repeat(127)])(
    'the name %j works',
    async (name) => {
      const store = await openFolder(place);
      await store.write(name, 'x');
      expect(text(await store.read(name))).toBe('x');
    },
  );

  test('short writes go on until all bytes are out', async () => {
    let calls = 0;
    const disk = diskWith((handle) => ({
      write: ((bytes: Uint8Array, offset: number, _: number, position: number) => {
        calls += 1;
        return handle.write(bytes, offset, 1, position);
      }) as never,
    }));
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i);
    await writeAtomically(join(place, 'x'), bytes, disk);
    expect(calls).toBe(300);
    expect(await readBytes(join(place, 'x'))).toEqual(bytes);
  });

  test.each(['ENOSPC', 'EDQUOT', 'EIO', 'nothing'])(
    '%s in mid-write keeps the old file',
    async (code) => {
      fs.writeFileSync(join(place, 'x'), 'old');
      const disk = diskWith((handle) => ({
        write: ((bytes: Uint8Array, offset: number, _: number, position: number) => {
          if (offset < 100) return handle.write(bytes, offset, 100, position);
          return code === 'nothing' ? { bytesWritten: 0 } : Promise.reject(failure(code));
        }) as never,
      }));
      const message = await messageOf(
        writeAtomically(join(place, 'x'), new Uint8Array(1000), disk),
      );
      expect(message).toContain(join(place, 'x'));
      expect(message).toMatch(/1000 bytes/);
      expect(fs.readFileSync(join(place, 'x'), 'utf8')).toBe('old');
      expect(fs.readdirSync(place)).toEqual(['x']);
    },
  );

  test('the file and its folder are synchronised, the file before the rename', async () => {
    const events: string[] = [];
    const disk = diskWith((handle, path) => ({
      sync: async () => {
        events.push(path === place ? 'sync folder' : 'sync file');
        await handle.sync();
      },
    }));
    const rename: Disk['rename'] = async (from, to) => {
      events.push('rename');
      await promises.rename(from, to);
    };
    await writeAtomically(join(place, 'x'), 'new', { ...disk, rename });
    expect(events).toEqual(['sync file', 'rename', 'sync folder']);
  });

  test('a busy target is tried again, a hopeless one gives one error', async () => {
    let busy = 3;
    const rename: Disk['rename'] = async (from, to) => {
      busy -= 1;
      if (busy >= 0) throw failure('EBUSY');
      await promises.rename(from, to);
    };
    await writeAtomically(join(place, 'x'), 'new', { ...promises, rename });
    expect(fs.readFileSync(join(place, 'x'), 'utf8')).toBe('new');
    const never: Disk = { ...promises, rename: () => Promise.reject(failure('EXDEV')) };
    expect(await messageOf(writeAtomically(join(place, 'x'), 'newer', never))).toMatch(/EXDEV/);
    expect(fs.readdirSync(place)).toEqual(['x']);
  });

  test('a folder, a pipe, a device and a circle of links are refused without waiting', async () => {
    execFileSync('mkfifo', [join(place, 'pipe')]);
    fs.symlinkSync('circle', join(place, 'circle'));
    fs.symlinkSync('nowhere', join(place, 'dangling'));
    expect(await messageOf(readBytes(place))).toMatch(/it is a folder/);
    expect(await messageOf(readBytes(join(place, 'pipe')))).toMatch(/it is a pipe/);
    expect(await messageOf(readBytes('/dev/zero'))).toMatch(/device/);
    expect(await messageOf(readBytes(join(place, 'circle')))).toMatch(/circle/);
    expect(await messageOf(readBytes(join(place, 'dangling')))).toMatch(/no such file/);
  });

  test('a file past the limit is refused before it is read', async () => {
    fs.writeFileSync(join(place, 'sparse'), '');
    fs.truncateSync(join(place, 'sparse'), 2 ** 40);
    expect(await messageOf(readBytes(join(place, 'sparse')))).toMatch(/1099511627776 bytes/);
  });
});

describe('the folder', () => {
  test('that is not there is made only when asked', async () => {
    const path = join(place, 'a', 'b');
    expect(await messageOf(openFolder(path))).toMatch(/no such file or folder/);
    await openFolder(path, { create: true });
    expect(fs.existsSync(path)).toBe(true);
  });

  test('that is a file, or below one, is refused', async () => {
    fs.writeFileSync(join(place, 'file'), 'x');
    expect(await messageOf(openFolder(join(place, 'file'), { create: true }))).toMatch(
      /found a file/,
    );
    expect(await messageOf(openFolder(join(place, 'file', 'x'), { create: true }))).toMatch(
      /found a file/,
    );
  });

  test.each(['EROFS', 'EACCES', 'ENOSPC', 'EMFILE'])(
    'that gives %s is refused on opening',
    async (code) => {
      const open: Disk['open'] = (path, flags, mode) =>
        flags === 'wx' ? Promise.reject(failure(code)) : promises.open(path, flags, mode);
      const message = await messageOf(openFolder(place, { disk: { ...promises, open } }));
      expect(message).toContain(place);
      expect(message).toContain(code);
      expect(hiddenIn(place)).toEqual([]);
    },
  );

  test('is not touched when opened for reading', async () => {
    fs.writeFileSync(join(place, '.x.1-0123456789abcdef.tmp'), '');
    const store = await openFolder(place, { readOnly: true });
    expect(await messageOf((async () => store.write('x', 'y'))())).toMatch(/opened for reading/);
    expect(hiddenIn(place)).toHaveLength(1);
  });

  test('loses the leftovers of dead processes, keeps those of running ones', async () => {
    fs.writeFileSync(join(place, '.x.999999999-0123456789abcdef.tmp'), '');
    fs.mkdirSync(join(place, '.stage.999999999-0123456789abcdef.tmp'));
    fs.writeFileSync(join(place, '.stage.999999999-0123456789abcdef.tmp', 'x'), '');
    fs.writeFileSync(join(place, `.y.${process.ppid}-0123456789abcdef.tmp`), '');
    fs.writeFileSync(join(place, '.hidden'), '');
    await openFolder(place);
    expect(hiddenIn(place)).toEqual(['.hidden', `.y.${process.ppid}-0123456789abcdef.tmp`]);
  });

  test('that was deleted meanwhile is made again', async () => {
    const path = join(place, 'run');
    const store = await openFolder(path, { create: true });
    fs.rmSync(path, { recursive: true });
    await store.commit(setOfVersion(1), {});
    fs.rmSync(path, { recursive: true });
    await store.write('x', 'y');
    expect(fs.readdirSync(path)).toEqual(['x']);
  });
});

describe('a commit', () => {
  test('replaces all files, the manifest lists them, what was there before stays listed', async () => {
    const store = await openFolder(place);
    expect(await store.manifest()).toBeUndefined();
    await store.commit(
      new Map([
        ['best', 'b1'],
        ['last', 'l1'],
      ]),
      { step: 1 },
    );
    await store.commit(new Map([['last', 'l2']]), { step: 2 });
    const manifest = (await store.manifest())!;
    expect([...manifest.files.keys()]).toEqual(['best', 'last']);
    expect(manifest.info).toEqual({ step: 2 });
    expect(text(await store.readChecked('best'))).toBe('b1');
    expect(text(await store.readChecked('last'))).toBe('l2');
    expect(fs.readdirSync(place).sort()).toEqual(['best', 'last', 'manifest.json']);
  });

  test('a single write of a listed file keeps the manifest true', async () => {
    const store = await openFolder(place);
    await store.commit(new Map([['log', '1']]), { step: 1 });
    await store.write('log', '1\n2');
    expect(text(await store.readChecked('log'))).toBe('1\n2');
    expect((await store.manifest())!.info).toEqual({ step: 1 });
    await expect((async () => store.write('manifest.json', '{}'))()).rejects.toThrow(InputError);
  });

  test('many at once run one after the other', async () => {
    const store = await openFolder(place);
    const versions = Array.from({ length: 6 }, (_, i) => i + 1);
    await Promise.all(versions.map((version) => store.commit(setOfVersion(version), { version })));
    expect((await store.manifest())!.info).toEqual({ version: 6 });
    expect(versionOf(await store.readChecked('state.safetensors'))).toBe(6);
  });

  test('two stores on one folder do not break each other', async () => {
    const stores = [await openFolder(place), await openFolder(place)];
    for (let version = 1; version <= 10; version += 1) {
      await Promise.all(stores.map((store) => store.commit(setOfVersion(version), { version })));
    }
    const reader = await openFolder(place, { readOnly: true });
    for (const name of setOfVersion(1).keys())
      expect(versionOf(await reader.readChecked(name))).toBe(10);
  });

  test('that fails leaves the old set, and the next one works', async () => {
    let full = false;
    const disk = diskWith((handle, path) => ({
      write: ((...args: Parameters<typeof handle.write>) =>
        full && path.endsWith('state.safetensors')
          ? Promise.reject(failure('ENOSPC'))
          : handle.write(...args)) as never,
    }));
    const store = await openFolder(place, { disk });
    await store.commit(setOfVersion(1), { version: 1 });
    full = true;
    expect(await messageOf(store.commit(setOfVersion(2), { version: 2 }))).toMatch(
      /1\d{5} bytes.*ENOSPC/,
    );
    expect(hiddenIn(place)).toEqual([]);
    for (const name of setOfVersion(1).keys())
      expect(versionOf(await store.readChecked(name))).toBe(1);
    full = false;
    await store.commit(setOfVersion(3), { version: 3 });
    expect(versionOf(await store.readChecked('log.jsonl'))).toBe(3);
  });

  test('interrupted at every single call to the disk leaves the old set or the new one', async () => {
    let outcomes = '';
    for (let calls = 0; ; calls += 1) {
      const folder = join(place, String(calls));
      await (await openFolder(folder, { create: true })).commit(setOfVersion(1), { version: 1 });
      const { disk, arm } = crashingDisk();
      const store = await openFolder(folder, { disk });
      arm(calls);
      const message = await messageOf(store.commit(setOfVersion(2), { version: 2 }));
      let version = 0;
      for (const readOnly of [true, false]) {
        const after = await openFolder(folder, { readOnly });
        version = Number((await after.manifest())!.info.version);
        for (const name of setOfVersion(1).keys()) {
          expect(versionOf(await after.readChecked(name))).toBe(version);
        }
      }
      expect(hiddenIn(folder)).toEqual([]);
      outcomes += version;
      if (message === 'done') break;
    }
    // Once the new set is the truth it stays so.
    expect(outcomes).toMatch(/^1{15,}2{5,}$/);
  }, 60_000);

  test('8 kills at random moments', async () => {
    const { findings, commits } = await killRounds(8, 1);
    expect(findings).toEqual([]);
    expect(commits).toBeGreaterThanOrEqual(8);
  }, 60_000);
});

describe('readChecked', () => {
  test('a flipped bit anywhere names the file', async () => {
    const store = await openFolder(place);
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
    await store.commit(new Map([['weights', bytes]]), {});
    const rng = new Rng(3);
    for (let round = 0; round < 60; round += 1) {
      const damaged = bytes.slice();
      damaged[rng.integer(1000)]! ^= 1 << rng.integer(8);
      fs.writeFileSync(join(place, 'weights'), damaged);
      expect(await messageOf(store.readChecked('weights'))).toMatch(/SHA-256.*weights/);
    }
    for (let cut = 0; cut < 16; cut += 1) {
      fs.writeFileSync(join(place, 'weights'), bytes.subarray(0, Math.floor((cut * 1000) / 16)));
      expect(await messageOf(store.readChecked('weights'))).toMatch(/1000 bytes for .*weights/);
    }
  });

  test('an incomplete or damaged set is refused', async () => {
    const store = await openFolder(place);
    fs.writeFileSync(join(place, 'x'), 'x');
    expect(await messageOf(store.readChecked('x'))).toMatch(/incomplete/);
    await store.commit(new Map([['y', 'y']]), {});
    expect(await messageOf(store.readChecked('x'))).toMatch(/listed/);
    fs.unlinkSync(join(place, 'y'));
    expect(await messageOf(store.readChecked('y'))).toMatch(/missing/);
    for (const bad of [
      '',
      '[]',
      '{}',
      '{"schemaVersion":1}',
      '{"schemaVersion":1,"files":{"y":1}}',
    ]) {
      fs.writeFileSync(join(place, 'manifest.json'), bad);
      expect(await messageOf(store.readChecked('y'))).toMatch(/^Expected/);
    }
    fs.writeFileSync(join(place, 'manifest.json'), '{"schemaVersion":2,"files":{}}');
    expect(await messageOf(store.readChecked('y'))).toMatch(/version up to 1.*received 2.*newer/);
  });
});

describe('the lock', () => {
  let other: ChildProcess | undefined;
  afterEach(() => other?.kill('SIGKILL'));

  test('keeps a second run out until the first closes', async () => {
    const first = await openFolder(place, { lock: true });
    expect(await messageOf(openFolder(place, { lock: true }))).toMatch(/in use by process \d+/);
    await openFolder(place, { readOnly: true });
    await first.close();
    await (await openFolder(place, { lock: true })).close();
    expect(hiddenIn(place)).toEqual([]);
  });

  test('of a dead process is taken over, of a running one not', async () => {
    other = spawn(process.execPath, ['-e', 'setTimeout(() => 0, 20_000)']);
    const lock = join(place, '.lock');
    const { hostname } = await import('node:os');
    const write = (pid: number, started = ''): void =>
      fs.writeFileSync(lock, JSON.stringify({ pid, host: hostname(), started }));
    write(other.pid!);
    expect(await messageOf(openFolder(place, { lock: true }))).toMatch(
      `in use by process ${other?.pid}`,
    );
    // The same id with another start: a different process by now.
    write(other.pid!, '1');
    await (await openFolder(place, { lock: true })).close();
    other.kill('SIGKILL');
    await new Promise((resolve) => other!.on('close', resolve));
    for (const content of [JSON.stringify({ pid: other?.pid, host: hostname() }), '', '{"pid":']) {
      fs.writeFileSync(lock, content);
      await (await openFolder(place, { lock: true })).close();
    }
    fs.writeFileSync(lock, JSON.stringify({ pid: 1, host: 'another' }));
    expect(await messageOf(openFolder(place, { lock: true }))).toMatch(
      /on "another".*delete \.lock/,
    );
  });
});

/** A disk on which, after a number of calls, nothing works any more, as for a process that was killed. */
function crashingDisk(): { disk: Disk; arm: (calls: number) => void } {
  let left = Infinity;
  const step = (): void => {
    left -= 1;
    if (left < 0) throw failure('ECRASH');
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
