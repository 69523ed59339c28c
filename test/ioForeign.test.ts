// Files of other programs in a folder of ours: never followed, moved or replaced.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { openFolder } from '../lib/io/folder.ts';
import { hiddenIn, refusalOf, temporaryFolder } from './support/failingDisk.ts';

const place = temporaryFolder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('files of others', () => {
  const manifestOf = (files: object): string =>
    JSON.stringify({ schemaVersion: 1, info: {}, files });
  const hash = 'a'.repeat(64);

  test.each([
    ['a link to a folder', (at: string, other: string) => fs.symlinkSync(other, at)],
    ['a link to nothing', (at: string) => fs.symlinkSync('nowhere', at)],
    ['a file', (at: string) => fs.writeFileSync(at, 'mine')],
    [
      'a folder of another program',
      (at: string) => {
        fs.mkdirSync(at);
        fs.writeFileSync(join(at, 'x'), 'mine');
      },
    ],
    [
      'a folder with more than its manifest lists',
      (at: string) => {
        fs.mkdirSync(at);
        fs.writeFileSync(join(at, 'manifest.json'), manifestOf({}));
        fs.writeFileSync(join(at, 'x'), 'mine');
      },
    ],
    [
      'a folder with a link in it',
      (at: string, other: string) => {
        fs.mkdirSync(at);
        const listed = { x: { bytes: 4, sha256: hash } };
        fs.writeFileSync(join(at, 'manifest.json'), manifestOf(listed));
        fs.symlinkSync(join(other, 'theirs'), join(at, 'x'));
      },
    ],
  ] as const)('%s in the place of the journal is neither followed nor moved', async (_, make) => {
    const [run, other] = [join(place(), 'run'), join(place(), 'other')];
    const store = await openFolder(run, { create: true });
    await store.commit(new Map([['x', 'ours']]), {});
    fs.mkdirSync(other);
    fs.writeFileSync(join(other, 'theirs'), 'mine');
    make(join(run, '.commit'), other);
    expect(await refusalOf(openFolder(run))).toMatch(/^Expected no .*\.commit.*Move it away\.$/);
    expect(await refusalOf(store.commit(new Map([['x', 'new']]), {}))).toMatch(/Expected no/);
    expect(fs.readdirSync(other)).toEqual(['theirs']);
    expect(fs.readFileSync(join(other, 'theirs'), 'utf8')).toBe('mine');
    expect(hiddenIn(run)).toEqual(['.commit']);
    const reader = await openFolder(run, { readOnly: true });
    expect(text(await reader.readChecked('x'))).toBe('ours');
  });

  test("another program's manifest.json is not replaced, and files beside it are read", async () => {
    const page = '{"name":"A page","icons":[],"start_url":"/"}';
    fs.writeFileSync(join(place(), 'manifest.json'), page);
    fs.writeFileSync(join(place(), 'x'), 'x');
    const store = await openFolder(place());
    expect(await refusalOf(store.commit(new Map([['x', 'new']]), {}))).toMatch(
      /manifest\.json.*another program's/,
    );
    await store.write('y', 'y');
    expect(text(await store.read('x'))).toBe('x');
    expect(fs.readFileSync(join(place(), 'manifest.json'), 'utf8')).toBe(page);
    expect(fs.readdirSync(place()).sort()).toEqual(['manifest.json', 'x', 'y']);
  });

  test.each([
    ['text', (at: string) => fs.writeFileSync(at, 'a lock of mine')],
    ['JSON', (at: string) => fs.writeFileSync(at, '{"a":1}')],
    ['a folder', (at: string) => fs.mkdirSync(at)],
    ['a link', (at: string) => fs.symlinkSync('elsewhere', at)],
  ] as const)('a .lock of another program stays: %s', async (_, make) => {
    fs.writeFileSync(join(place(), 'elsewhere'), '');
    make(join(place(), '.lock'));
    expect(await refusalOf(openFolder(place(), { lock: true }))).toMatch(/another program's/);
    expect(hiddenIn(place())).toEqual(['.lock']);
  });
});
