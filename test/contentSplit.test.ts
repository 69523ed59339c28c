// The split of a folder of images by content: the same images wherever they lie, of every class, and copies on one side.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeImage } from '../lib/core/image.ts';
import { findCopies } from '../lib/data/copies.ts';
import { holdOut } from '../lib/data/split.ts';
import { contentKeysOf } from '../lib/io/contentKeys.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { imageFolderDataset } from '../lib/io/imageFolder.ts';
import { listImages } from '../lib/io/imageListing.ts';
import { partsOf } from '../lib/training/runData.ts';
import type { Dataset } from '../lib/data/dataset.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'split-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const png = (level: number) => encodePng(makeImage(1, 1, 3, Uint8Array.of(level, 0, 0)));

// A folder of classes, by the levels of their images; `nameOf` says how the files are called.
async function folderOf(
  place: string,
  classes: Readonly<Record<string, readonly number[]>>,
  nameOf: (level: number) => string = String,
): Promise<Dataset> {
  for (const [name, levels] of Object.entries(classes)) {
    mkdirSync(path.join(root, place, name), { recursive: true });
    levels.forEach((level, i) => {
      const file = path.join(root, place, name, `${nameOf(level)}-${i}.png`);
      writeFileSync(file, png(level));
    });
  }
  return imageFolderDataset(await listImages(path.join(root, place)));
}

async function levelsOf(dataset: Dataset): Promise<number[]> {
  const levels: number[] = [];
  for (let i = 0; i < dataset.length; i += 1) levels.push((await dataset.image(i)).data[0]!);
  return levels.sort((a, b) => a - b);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const none = { limit: null, limitVal: null };

test('holds out the same images at another place, under other names and in another order', async () => {
  const classes = { a: range(0, 20), b: range(20, 60) };
  const [one, other] = [
    await folderOf('one', classes),
    await folderOf('other/place', classes, (level) => String(999 - level)),
  ];
  const split = { valSplit: 0.2, ...none };
  const [a, b] = [await partsOf(split, { train: one }), await partsOf(split, { train: other })];
  expect(a.validation!.length).toBe(12);
  expect(await levelsOf(b.validation!)).toEqual(await levelsOf(a.validation!));
  expect(b.validation!.file!(0)).toMatch(/^a\/\d+-\d+\.png$/);
});

test('an image that is added leaves the others where they are', async () => {
  const before = await folderOf('before', { a: range(0, 20), b: range(20, 40) });
  const after = await folderOf('after', { a: range(0, 21), b: range(20, 40) });
  const split = { valSplit: 4, ...none };
  const [a, b] = [await partsOf(split, { train: before }), await partsOf(split, { train: after })];
  const [first, second] = [await levelsOf(a.validation!), await levelsOf(b.validation!)];
  expect(first.filter((level) => second.includes(level)).length).toBeGreaterThanOrEqual(3);
});

test('a fraction gives each class with two images one at least', async () => {
  const classes = { a: range(0, 30), b: [40, 41], c: [50, 51, 52], d: [60] };
  const { train, validation } = await partsOf(
    { valSplit: 0.01, ...none },
    { train: await folderOf('small', classes) },
  );
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < validation!.length; i += 1) counts[validation!.label(i)]! += 1;
  expect(counts).toEqual([1, 1, 1, 0]);
  expect(train.length + validation!.length).toBe(36);
});

test('keeps copies on one side, and says that they are there', async () => {
  const dataset = await folderOf('copies', { a: [1, 1, 1, 2, 3, 4, 5, 6], b: [1, 7, 8] });
  for (const valSplit of [2, 3, 4, 5, 6]) {
    const { validation, train, notes } = await partsOf({ valSplit, ...none }, { train: dataset });
    const [held, kept] = [await levelsOf(validation!), await levelsOf(train)];
    const own = (levels: number[]) => levels.filter((level) => level === 1).length;
    expect([0, 3, 4, 1]).toContain(own(held));
    expect(own(held) + own(kept)).toBe(4);
    expect(notes[1]).toMatch(/^3 images are copies of others: a\/1-1\.png and a\/1-0\.png\./);
    expect(notes[2]).toMatch(/in two classes: b\/1-0\.png and a\/1-0\.png\. Remove one/);
  }
});

test('keys are numbers of the content: the size, the beginning and the end', async () => {
  const files = ['a', 'b', 'c', 'd'].map((name) => path.join(root, name));
  const bytes = new Uint8Array(200_000);
  writeFileSync(files[0]!, bytes);
  writeFileSync(files[1]!, bytes);
  bytes[199_999] = 1;
  writeFileSync(files[2]!, bytes);
  const [a, b, c, gone] = await contentKeysOf(4, (i) => files[i]!);
  expect(a).toBe(b);
  expect(new Set([a, c, gone]).size).toBe(3);
  // The first 6 bytes of SHA-256 of "8 tfjs-vit": a run that goes on depends on it.
  writeFileSync(files[3]!, 'tfjs-vit');
  expect((await contentKeysOf(1, () => files[3]!))[0]).toBe(5194568855514);
  expect(findCopies({ label: () => 0 }, Float64Array.of(a!, b!, c!))).toMatchObject({
    count: 1,
    example: [1, 0],
    conflict: undefined,
  });
});

test('keys of another number of images are refused', async () => {
  const dataset = await folderOf('keys', { a: [1, 2], b: [3, 4] });
  expect(() => holdOut(dataset, 2, new Float64Array(3))).toThrow(/4 numbers for keys/);
});
