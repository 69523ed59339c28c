import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeImage } from '../lib/core/image.ts';
import { csvDescriptor } from '../lib/io/csvList.ts';
import { csvRows } from '../lib/io/csvRows.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { defaultValSplit, partsIn } from '../lib/data/registry.ts';
import type { OpenDatasetOptions } from '../lib/data/registry.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'csv-'));
  for (let i = 0; i < 4; i += 1) {
    put(`img/${i}.png`, encodePng(makeImage(1, 1, 3, new Uint8Array(3).fill(i))));
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), content);
}

const open = (file: string, options: Partial<OpenDatasetOptions> = {}) =>
  csvDescriptor.open({ part: 'train', folder: path.join(root, file), ...options });

describe('rows', () => {
  test('with a heading, quotes, white space, empty lines and line ends of Windows', () => {
    const text = 'path,label\r\n a.png , 1\r\n\r\n"b, ""c"".png",2\r\n"d.png" , "x"';
    expect(csvRows(text, 'list')).toEqual([
      { line: 2, path: 'a.png', label: '1' },
      { line: 4, path: 'b, "c".png', label: '2' },
      { line: 5, path: 'd.png', label: 'x' },
    ]);
  });

  test.each(['a.png', 'a.png,1,2', 'a.png,', ',1', '"a.png,1', 'a"b,1'])('refuses %p', (line) => {
    expect(() => csvRows(`a.png,0\n${line}`, 'list.csv')).toThrow(
      /path,label for line 2 of list\.csv/,
    );
  });
});

test('labels are numbers, and images are found from the folder of the list or by their whole path below it', async () => {
  put('list.csv', `img/3.png,1\nimg/0.png,0\n${path.join(root, 'img/2.png')},1\n`);
  const dataset = await open('list.csv');
  expect([dataset.length, dataset.classNames]).toEqual([3, ['0', '1']]);
  expect([0, 1, 2].map((i) => dataset.label(i))).toEqual([1, 0, 1]);
  const levels = [0, 1, 2].map(async (i) => (await dataset.image(i)).data[0]);
  expect(await Promise.all(levels)).toEqual([3, 0, 2]);
});

test('labels are names in the order of code points', async () => {
  put('list.csv', 'path,label\nimg/0.png,dog\nimg/1.png,Cat\nimg/2.png,ant\n');
  const dataset = await open('list.csv');
  expect(dataset.classNames).toEqual(['Cat', 'ant', 'dog']);
  expect([0, 1, 2].map((i) => dataset.label(i))).toEqual([2, 0, 1]);
});

test('classes.txt names the classes of numbers', async () => {
  put('classes.txt', 'cat\ndog\nfox\n');
  put('list.csv', 'img/0.png,2\nimg/1.png,0\n');
  const dataset = await open('list.csv');
  expect([dataset.classNames, dataset.label(0)]).toEqual([['cat', 'dog', 'fox'], 2]);
});

test('a folder has the parts of its lists, and val.csv has the classes of train.csv', async () => {
  put('train.csv', 'img/0.png,b\nimg/1.png,a\n');
  expect(partsIn(csvDescriptor, root)).toEqual(['train']);
  expect(defaultValSplit(csvDescriptor, root)).toBe(0.1);
  put('val.csv', 'img/2.png,b\n');
  expect(partsIn(csvDescriptor, root)).toEqual(['train', 'validation']);
  expect(defaultValSplit(csvDescriptor, root)).toBe(0);
  const validation = await open('.', { part: 'validation' });
  expect([validation.length, validation.label(0)]).toEqual([1, 1]);
});

test('a damaged image is replaced by one of its class wherever it stands in the list', async () => {
  put('img/bad.png', 'no image');
  put('list.csv', 'img/0.png,1\nimg/1.png,0\nimg/bad.png,1\nimg/3.png,0\n');
  const { BadImages } = await import('../lib/data/badImages.ts');
  const dataset = await open('list.csv', { bad: new BadImages(1) });
  expect((await dataset.image(2)).data[0]).toBe(0);
});

test.each([
  ...['../out/0.png', 'img/../../out/0.png', '/etc/hostname', '..', 'file:///etc/hostname', 'https://example.org/0.png'],
  ...['..\\out\\0.png', 'img\\0.png', 'C:\\0.png', 'img/0.png\0'],
])('refuses %j, which is not below the folder of the list', async (outside) => {
  put('list.csv', `img/0.png,0\n${outside},1\n`);
  await expect(open('list.csv')).rejects.toThrow(
    /Expected a path below the folder of the list for line 2 of .*list\.csv, received "/,
  );
}); // prettier-ignore

test.each([
  ['a missing list', 'none.csv', {}, {}, /Cannot read .*none\.csv/],
  ['an empty list', 'list.csv', { 'list.csv': 'path,label\n' }, {}, /lines of path,label/],
  ['a missing file', 'list.csv', { 'list.csv': 'img/0.png,0\nimg/9.png,1\n' }, {}, /line 2 of .*list\.csv, received "img\/9\.png"/],
  ['a gap', 'list.csv', { 'list.csv': 'img/0.png,0\nimg/1.png,2\n' }, {}, /none of 1.*--allow-empty-classes/],
  ['one class', 'list.csv', { 'list.csv': 'img/0.png,0\n' }, {}, /at least two classes/],
  ['a label beyond classes.txt', 'list.csv', { 'classes.txt': 'a\nb\n', 'list.csv': 'img/0.png,0\n\nimg/1.png,2\n' }, {}, /a class from 0 to 1 for the label in line 3 of .*list\.csv, received "?2/],
  ['an absurd label', 'list.csv', { 'list.csv': 'img/0.png,0\nimg/1.png,99999999999\n' }, {}, /the label in line 2/],
  ['a label of val that train has not', '.', { 'train.csv': 'img/0.png,a\nimg/1.png,b\n', 'val.csv': 'img/2.png,a\nimg/3.png,c\n' }, { part: 'validation' as const }, /one of a; b for the label in line 2 of .*val\.csv, received "c"/],
])('refuses %s', async (_, file, files, options, message) => {
  for (const [name, content] of Object.entries(files)) put(name, content);
  await expect(open(file, options)).rejects.toThrow(message);
}); // prettier-ignore
