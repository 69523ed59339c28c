import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { openFolder } from '../lib/io/folder.ts';
import {
  crashingDisk,
  diskWith,
  hiddenIn,
  refusalOf,
  systemError,
  temporaryFolder,
} from './support/failingDisk.ts';
import { killRounds } from './support/killRounds.ts';
import { setOfVersion, versionOf } from './support/versionedSet.ts';
import type { Disk } from '../lib/io/disk.ts';

const place = temporaryFolder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('the folder', () => {
  test('a missing folder is made only on request', async () => {
    const path = join(place(), 'a', 'b');
    expect(await refusalOf(openFolder(path))).toMatch(/no such file or folder/);
    await openFolder(path, { create: true });
    expect(fs.existsSync(path)).toBe(true);
  });

  test('a path that is a file, or below one, is refused', async () => {
    fs.writeFileSync(join(place(), 'file'), 'x');
    expect(await refusalOf(openFolder(join(place(), 'file'), { create: true }))).toMatch(
      /found a file/,
    );
    expect(await refusalOf(openFolder(join(place(), 'file', 'x'), { create: true }))).toMatch(
      /found a file/,
    );
  });

  test('a new folder is on the disk with its parents before it is used', async () => {
    const synced: string[] = [];
    const disk = diskWith((handle, path) => ({
      sync: () => {
        synced.push(path);
        return handle.sync();
      },
    }));
    await openFolder(join(place(), 'a', 'b'), { create: true, disk });
    expect(synced.slice(0, 2)).toEqual([place(), join(place(), 'a')]);
  });

  test('a disk that fills while it is opened keeps no part of the trial', async () => {
    const disk = diskWith(() => ({ write: () => Promise.reject(systemError('ENOSPC')) }));
    expect(await refusalOf(openFolder(place(), { disk, lock: true }))).toMatch(/ENOSPC/);
    expect(hiddenIn(place())).toEqual([]);
    const late = diskWith((_, path) =>
      path.includes('probe') ? { sync: () => Promise.reject(systemError('EDQUOT')) } : {},
    );
    expect(await refusalOf(openFolder(place(), { disk: late }))).toMatch(/EDQUOT/);
    expect(hiddenIn(place())).toEqual([]);
  });

  test.each(['EROFS', 'EACCES', 'ENOSPC', 'EMFILE'])(
    'that gives %s is refused on opening',
    async (code) => {
      const open: Disk['open'] = (path, flags, mode) =>
        flags === 'wx' ? Promise.reject(systemError(code)) : promises.open(path, flags, mode);
      const message = await refusalOf(openFolder(place(), { disk: { ...promises, open } }));
      expect(message).toContain(place());
      expect(message).toContain(code);
      expect(hiddenIn(place())).toEqual([]);
    },
  );

  test('a folder in one that takes no new folders, as /proc, is refused', async () => {
    const mkdir = (() => Promise.reject(systemError('ENOENT'))) as unknown as Disk['mkdir'];
    const opened = openFolder(join(place(), 'a', 'b'), {
      create: true,
      disk: { ...promises, mkdir },
    });
    expect(await refusalOf(opened)).toMatch(/Cannot open .*ENOENT/);
  });

  test('a folder opened for reading is not touched', async () => {
    fs.writeFileSync(join(place(), '.x.1-0123456789abcdef.tmp'), '');
    const store = await openFolder(place(), { readOnly: true });
    expect(await refusalOf((async () => store.write('x', 'y'))())).toMatch(/opened for reading/);
    expect(hiddenIn(place())).toHaveLength(1);
  });

  test('opening removes the leftovers of dead processes and keeps those of running ones', async () => {
    fs.writeFileSync(join(place(), '.x.999999999-0123456789abcdef.tmp'), '');
    fs.mkdirSync(join(place(), '.stage.999999999-0123456789abcdef.tmp'));
    fs.writeFileSync(join(place(), '.stage.999999999-0123456789abcdef.tmp', 'x'), '');
    fs.writeFileSync(join(place(), `.y.${process.ppid}-0123456789abcdef.tmp`), '');
    fs.writeFileSync(join(place(), '.hidden'), '');
    await openFolder(place());
    expect(hiddenIn(place())).toEqual(['.hidden', `.y.${process.ppid}-0123456789abcdef.tmp`]);
  });

  test('a folder that was deleted meanwhile is made again', async () => {
    const path = join(place(), 'run');
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
    const store = await openFolder(place());
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
    expect(fs.readdirSync(place()).sort()).toEqual(['best', 'last', 'manifest.json']);
  });

  test('a single write of a listed file keeps the manifest true', async () => {
    const store = await openFolder(place());
    await store.commit(new Map([['log', '1']]), { step: 1 });
    await store.write('log', '1\n2');
    expect(text(await store.readChecked('log'))).toBe('1\n2');
    expect((await store.manifest())!.info).toEqual({ step: 1 });
    await expect((async () => store.write('manifest.json', '{}'))()).rejects.toThrow(InputError);
  });

  test('many at once run one after the other', async () => {
    const store = await openFolder(place());
    const versions = Array.from({ length: 6 }, (_, i) => i + 1);
    await Promise.all(versions.map((version) => store.commit(setOfVersion(version), { version })));
    expect((await store.manifest())!.info).toEqual({ version: 6 });
    expect(versionOf(await store.readChecked('state.safetensors'))).toBe(6);
  });

  test('two stores on one folder do not break each other', async () => {
    const stores = [await openFolder(place()), await openFolder(place())];
    for (let version = 1; version <= 10; version += 1) {
      await Promise.all(stores.map((store) => store.commit(setOfVersion(version), { version })));
    }
    const reader = await openFolder(place(), { readOnly: true });
    for (const name of setOfVersion(1).keys())
      expect(versionOf(await reader.readChecked(name))).toBe(10);
  });

  test('a failed commit leaves the old set, and the next one works', async () => {
    let full = false;
    const disk = diskWith((handle, path) => ({
      write: ((...args: Parameters<typeof handle.write>) =>
        full && path.endsWith('state.safetensors')
          ? Promise.reject(systemError('ENOSPC'))
          : handle.write(...args)) as never,
    }));
    const store = await openFolder(place(), { disk });
    await store.commit(setOfVersion(1), { version: 1 });
    full = true;
    expect(await refusalOf(store.commit(setOfVersion(2), { version: 2 }))).toMatch(
      /1\d{5} bytes.*ENOSPC/,
    );
    expect(hiddenIn(place())).toEqual([]);
    for (const name of setOfVersion(1).keys())
      expect(versionOf(await store.readChecked(name))).toBe(1);
    full = false;
    await store.commit(setOfVersion(3), { version: 3 });
    expect(versionOf(await store.readChecked('log.jsonl'))).toBe(3);
  });

  test('interrupted at every single call to the disk leaves the old set or the new one', async () => {
    let outcomes = '';
    for (let calls = 0; ; calls += 1) {
      const folder = join(place(), String(calls));
      await (await openFolder(folder, { create: true })).commit(setOfVersion(1), { version: 1 });
      const { disk, arm } = crashingDisk();
      const store = await openFolder(folder, { disk });
      arm(calls);
      const message = await refusalOf(store.commit(setOfVersion(2), { version: 2 }));
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

describe('remove', () => {
  test('takes a file out of the manifest, then away; the others stay listed', async () => {
    const store = await openFolder(place());
    const set = new Map([
      ['a', '1'],
      ['b', '2'],
    ]);
    await store.commit(set, { step: 1 });
    await store.remove('a');
    await store.remove('a');
    const manifest = (await store.manifest())!;
    expect([...manifest.files.keys()]).toEqual(['b']);
    expect(manifest.info).toEqual({ step: 1 });
    expect(fs.readdirSync(place()).sort()).toEqual(['b', 'manifest.json']);
    expect(text(await store.readChecked('b'))).toBe('2');
  });

  test('removes a link and not its target, and refuses a folder', async () => {
    fs.writeFileSync(join(place(), 'target'), 'x');
    fs.symlinkSync('target', join(place(), 'link'));
    fs.mkdirSync(join(place(), 'inner'));
    const store = await openFolder(place());
    await store.remove('link');
    expect(await refusalOf(store.remove('inner'))).toMatch(/^Cannot remove .*inner"/);
    expect(fs.readdirSync(place()).sort()).toEqual(['inner', 'target']);
    await expect((async () => store.remove('manifest.json'))()).rejects.toThrow(InputError);
    await expect((async () => store.remove('../x'))()).rejects.toThrow(InputError);
  });

  test('interrupted at every single call to the disk leaves a manifest that is true', async () => {
    let removed = false;
    for (let calls = 0; !removed; calls += 1) {
      const path = join(place(), String(calls));
      await (await openFolder(path, { create: true })).commit(setOfVersion(1), {});
      const { disk, arm } = crashingDisk();
      const store = await openFolder(path, { disk });
      arm(calls);
      removed = (await refusalOf(store.remove('log.jsonl'))) === 'done';
      const after = await openFolder(path);
      for (const name of (await after.manifest())!.files.keys()) await after.readChecked(name);
    }
    expect(removed).toBe(true);
  });
});

describe('read', () => {
  test('checks a listed file, refuses a long one before it is read', async () => {
    const store = await openFolder(place());
    await store.commit(new Map([['config.json', '{"mean":0.1307}']]), {});
    fs.writeFileSync(join(place(), 'free'), 'x');
    expect(text(await store.read('free'))).toBe('x');
    fs.writeFileSync(join(place(), 'config.json'), '{"mean":0.9307}');
    expect(await refusalOf(store.read('config.json'))).toMatch(/SHA-256.*config\.json/);
    fs.truncateSync(join(place(), 'free'), 2 ** 40);
    expect(await refusalOf(store.read('free', { maxBytes: 100 }))).toMatch(/at most 100/);
  });
});

describe('readChecked', () => {
  test('a flipped bit anywhere names the file', async () => {
    const store = await openFolder(place());
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
    await store.commit(new Map([['weights', bytes]]), {});
    const rng = new Rng(3);
    for (let round = 0; round < 60; round += 1) {
      const damaged = bytes.slice();
      damaged[rng.integer(1000)]! ^= 1 << rng.integer(8);
      fs.writeFileSync(join(place(), 'weights'), damaged);
      expect(await refusalOf(store.readChecked('weights'))).toMatch(/SHA-256.*weights/);
    }
    for (let cut = 0; cut < 16; cut += 1) {
      fs.writeFileSync(join(place(), 'weights'), bytes.subarray(0, Math.floor((cut * 1000) / 16)));
      expect(await refusalOf(store.readChecked('weights'))).toMatch(/1000 bytes for .*weights/);
    }
  });

  test('an incomplete or damaged set is refused', async () => {
    const store = await openFolder(place());
    fs.writeFileSync(join(place(), 'x'), 'x');
    expect(await refusalOf(store.readChecked('x'))).toMatch(/incomplete/);
    await store.commit(new Map([['y', 'y']]), {});
    expect(await refusalOf(store.readChecked('x'))).toMatch(/listed/);
    fs.unlinkSync(join(place(), 'y'));
    expect(await refusalOf(store.readChecked('y'))).toMatch(/missing/);
    for (const bad of [
      '',
      '[]',
      '{}',
      '{"schemaVersion":1}',
      '{"schemaVersion":1,"files":{"y":1}}',
    ]) {
      fs.writeFileSync(join(place(), 'manifest.json'), bad);
      expect(await refusalOf(store.readChecked('y'))).toMatch(/^Expected/);
    }
    fs.writeFileSync(join(place(), 'manifest.json'), '{"schemaVersion":2,"files":{}}');
    expect(await refusalOf(store.readChecked('y'))).toMatch(/version up to 1.*received 2.*newer/);
  });
});

describe('the lock', () => {
  let other: ChildProcess | undefined;
  afterEach(() => other?.kill('SIGKILL'));

  test('keeps a second run out until the first closes', async () => {
    const first = await openFolder(place(), { lock: true });
    expect(await refusalOf(openFolder(place(), { lock: true }))).toMatch(/in use by process \d+/);
    await openFolder(place(), { readOnly: true });
    await first.close();
    await (await openFolder(place(), { lock: true })).close();
    expect(hiddenIn(place())).toEqual([]);
  });

  test('the lock of a dead process is taken over, that of a running one is not', async () => {
    other = spawn(process.execPath, ['-e', 'setTimeout(() => 0, 20_000)']);
    const lock = join(place(), '.lock');
    const write = (pid: number, started = ''): void =>
      fs.writeFileSync(lock, JSON.stringify({ pid, host: hostname(), started }));
    write(other.pid!);
    expect(await refusalOf(openFolder(place(), { lock: true }))).toMatch(
      `in use by process ${other?.pid}`,
    );
    // The same id with another start: a different process by now.
    write(other.pid!, '1');
    await (await openFolder(place(), { lock: true })).close();
    other.kill('SIGKILL');
    await new Promise((resolve) => other!.on('close', resolve));
    for (const content of [JSON.stringify({ pid: other?.pid, host: hostname() }), '', '{"pid":']) {
      fs.writeFileSync(lock, content);
      await (await openFolder(place(), { lock: true })).close();
    }
    fs.writeFileSync(lock, JSON.stringify({ pid: 1, host: 'another' }));
    expect(await refusalOf(openFolder(place(), { lock: true }))).toMatch(
      /on "another".*delete \.lock/,
    );
  });
});
