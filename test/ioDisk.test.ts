import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../lib/core/errors.ts';
import { readBytes, writeAtomically } from '../lib/io/disk.ts';
import { openFolder } from '../lib/io/folder.ts';
import { diskWith, refusalOf, systemError, temporaryFolder } from './support/failingDisk.ts';
import type { Disk } from '../lib/io/disk.ts';

const place = temporaryFolder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('one file', () => {
  test('is replaced, and nothing else is left', async () => {
    const store = await openFolder(place());
    await store.write('log.jsonl', 'one');
    await store.write('log.jsonl', 'two');
    expect(text(await store.read('log.jsonl'))).toBe('two');
    expect(await store.has('log.jsonl')).toBe(true);
    expect(await store.has('other')).toBe(false);
    expect(fs.readdirSync(place())).toEqual(['log.jsonl']);
  });

  test('a missing one is an IoError with its path', async () => {
    const store = await openFolder(place());
    expect(await refusalOf(store.read('nothing.json'))).toMatch(
      /nothing\.json.*no such file.*ENOENT/,
    );
  });

  test.each(['', '.', '..', '.commit', 'a/b', 'a\\b', '../x', 'a\0', 'x'.repeat(256)])(
    'the name %j is refused',
    async (name) => {
      const store = await openFolder(place());
      await expect((async () => store.write(name, 'x'))()).rejects.toThrow(InputError);
      await expect(store.read(name)).rejects.toThrow(InputError);
    },
  );

  test.each(['a b', "it's", '日本語.json', '-x', '%s', 'é'.repeat(127)])(
    'the name %j works',
    async (name) => {
      const store = await openFolder(place());
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
    await writeAtomically(join(place(), 'x'), bytes, disk);
    expect(calls).toBe(300);
    expect(await readBytes(join(place(), 'x'))).toEqual(bytes);
  });

  test.each(['ENOSPC', 'EDQUOT', 'EIO', 'nothing'])(
    '%s in mid-write keeps the old file',
    async (code) => {
      fs.writeFileSync(join(place(), 'x'), 'old');
      const disk = diskWith((handle) => ({
        write: ((bytes: Uint8Array, offset: number, _: number, position: number) => {
          if (offset < 100) return handle.write(bytes, offset, 100, position);
          return code === 'nothing' ? { bytesWritten: 0 } : Promise.reject(systemError(code));
        }) as never,
      }));
      const message = await refusalOf(
        writeAtomically(join(place(), 'x'), new Uint8Array(1000), disk),
      );
      expect(message).toContain(join(place(), 'x'));
      expect(message).toMatch(/1000 bytes/);
      expect(fs.readFileSync(join(place(), 'x'), 'utf8')).toBe('old');
      expect(fs.readdirSync(place())).toEqual(['x']);
    },
  );

  test('the file and its folder are synchronised, the file before the rename', async () => {
    const events: string[] = [];
    const disk = diskWith((handle, path) => ({
      sync: async () => {
        events.push(path === place() ? 'sync folder' : 'sync file');
        await handle.sync();
      },
    }));
    const rename: Disk['rename'] = async (from, to) => {
      events.push('rename');
      await promises.rename(from, to);
    };
    await writeAtomically(join(place(), 'x'), 'new', { ...disk, rename });
    expect(events).toEqual(['sync file', 'rename', 'sync folder']);
  });

  test('a busy target is tried again, a hopeless one gives one error', async () => {
    let busy = 3;
    const rename: Disk['rename'] = async (from, to) => {
      busy -= 1;
      if (busy >= 0) throw systemError('EBUSY');
      await promises.rename(from, to);
    };
    await writeAtomically(join(place(), 'x'), 'new', { ...promises, rename });
    expect(fs.readFileSync(join(place(), 'x'), 'utf8')).toBe('new');
    const never: Disk = { ...promises, rename: () => Promise.reject(systemError('EXDEV')) };
    expect(await refusalOf(writeAtomically(join(place(), 'x'), 'newer', never))).toMatch(/EXDEV/);
    expect(fs.readdirSync(place())).toEqual(['x']);
  });

  test('a folder, a pipe, a device and a circle of links are refused without waiting', async () => {
    execFileSync('mkfifo', [join(place(), 'pipe')]);
    fs.symlinkSync('circle', join(place(), 'circle'));
    fs.symlinkSync('nowhere', join(place(), 'dangling'));
    expect(await refusalOf(readBytes(place()))).toMatch(/it is a folder/);
    expect(await refusalOf(readBytes(join(place(), 'pipe')))).toMatch(/it is a pipe/);
    expect(await refusalOf(readBytes('/dev/zero'))).toMatch(/device/);
    expect(await refusalOf(readBytes(join(place(), 'circle')))).toMatch(/circle/);
    expect(await refusalOf(readBytes(join(place(), 'dangling')))).toMatch(/no such file/);
  });

  test('a file past the limit is refused before it is read', async () => {
    fs.writeFileSync(join(place(), 'sparse'), '');
    fs.truncateSync(join(place(), 'sparse'), 2 ** 40);
    expect(await refusalOf(readBytes(join(place(), 'sparse')))).toMatch(/1099511627776 bytes/);
  });
});
