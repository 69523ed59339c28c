import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { byCodePoint } from '../lib/core/codePoints.ts';
import { makeImage } from '../lib/core/image.ts';
import { loadCifar } from '../lib/io/cifar.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { BadImages } from '../lib/data/badImages.ts';
import { imageFolderDataset } from '../lib/io/imageFolder.ts';
import { cachedListing } from '../lib/io/cachedListing.ts';
import { classFolders, listImages, numericOrderNote } from '../lib/io/imageListing.ts';
import { vit } from './support/cli.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'folder-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const png = (level: number) => encodePng(makeImage(2, 2, 3, new Uint8Array(12).fill(level)));

function put(name: string, content: Uint8Array | string = png(0)): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), content);
}

describe('listing', () => {
  test('classes and files are in the order of text, folders inside a class belong to it', async () => {
    for (const name of [
      'b/2.png',
      'b/10.PNG',
      'b/z/1.Jpeg',
      'b/a/9.webp',
      'B/x.jpg',
      'é/x.jpg',
      'a/x.tif',
    ])
      put(name);
    const { classNames, files, labels } = await listImages(root);
    expect(classNames).toEqual(['B', 'a', 'b', 'é']);
    const wanted = [
      'B/x.jpg',
      'a/x.tif',
      'b/10.PNG',
      'b/2.png',
      'b/a/9.webp',
      'b/z/1.Jpeg',
      'é/x.jpg',
    ];
    expect(files).toEqual(wanted);
    expect([...labels]).toEqual([0, 1, 2, 2, 2, 2, 3]);
  });

  test('dot entries and other files are no classes and no samples, and are counted', async () => {
    for (const name of ['.git/x.png', '.DS_Store', 'Thumbs.db', 'a/x.png', 'a/.hidden.png', 'a/note.txt', 'a/.ipynb_checkpoints/x.png']) put(name); // prettier-ignore
    const { files, ignored } = await listImages(root);
    expect(files).toEqual(['a/x.png']);
    expect(ignored).toEqual({ dotEntries: 4, otherFiles: 2 });
  });

  test('links are followed, once, and a link to nothing is a file that cannot be read', async () => {
    put('a/x.png');
    put('elsewhere.jpg/y.png');
    symlinkSync(path.join(root, 'a'), path.join(root, 'a/again'));
    symlinkSync(path.join(root, 'elsewhere.jpg'), path.join(root, 'linked'));
    symlinkSync('nowhere', path.join(root, 'a/gone.png'));
    const { files } = await listImages(root);
    expect(files).toEqual(['a/gone.png', 'a/x.png', 'elsewhere.jpg/y.png', 'linked/y.png']);
  });

  test.each([
    ['a missing folder', () => rmSync(root, { recursive: true }), {}, /Cannot read/],
    ['an empty folder', () => undefined, {}, /a folder for each class/],
    ['a flat folder', () => put('x.png'), {}, /1 images lie in it directly/],
    ['no image', () => put('a/x.txt'), { allowEmptyClasses: true }, /images \(\.jpg/],
    [
      'an empty class',
      () => (put('a/x.png'), put('b/x.txt')),
      {},
      /none in b".*--allow-empty-classes/,
    ],
    ['a class too few', () => put('a/x.png'), { classNames: ['a', 'b'] }, /without b/],
    [
      'a class too many',
      () => (put('a/x.png'), put('c/x.png')),
      { classNames: ['a'] },
      /with c beside them/,
    ],
  ])('refuses %s', async (_, make, options, message) => {
    make();
    await expect(listImages(root, options)).rejects.toThrow(message);
  });

  test('an empty class stays a class where that is allowed', async () => {
    for (const name of ['a/x.png', 'b/x.txt', 'c/x.png']) put(name);
    const { classNames, labels } = await listImages(root, { allowEmptyClasses: true });
    expect(classNames).toEqual(['a', 'b', 'c']);
    expect([...labels]).toEqual([0, 2]);
  });

  test('is kept, and made again when a name comes or goes', async () => {
    for (const name of ['a/x.png', 'b/more/y.png']) put(name);
    const first = await cachedListing(root);
    expect(await cachedListing(root)).toBe(first);
    put('b/more/z.png');
    const second = await cachedListing(root);
    expect(second.files).toEqual(['a/x.png', 'b/more/y.png', 'b/more/z.png']);
    rmSync(path.join(root, 'a'), { recursive: true });
    expect((await cachedListing(root)).classNames).toEqual(['b']);
    expect(await classFolders(root)).toEqual(['b']);
  });

  test('the order of purely numeric names is told where it is not that of the numbers', () => {
    expect(numericOrderNote(['0', '1', '10', '2'])).toMatch(/class 0 is "0", 1 is "1", 2 is "10"/);
    expect(numericOrderNote(['00', '01', '10'])).toBeUndefined();
    expect(numericOrderNote(['1', '2', 'x'])).toBeUndefined();
  });

  test('strings are compared as Python does', () => {
    const sorted = ['a', 'ab', 'b', '\uffee', '😀'];
    expect([...sorted].reverse().sort(byCodePoint)).toEqual(sorted);
  });
});

describe('damaged images', () => {
  test('are replaced by another of the class, always the same one, and noted', async () => {
    [10, 20, 30].forEach((level, i) => put(`a/${i}.png`, png(level)));
    put('a/bad.png', 'no image');
    put('b/x.png', png(99));
    const bad = new BadImages(1);
    const dataset = imageFolderDataset(await listImages(root), { bad });
    const index = 3;
    const first = await dataset.image(index);
    expect([10, 20, 30]).toContain(first.data[0]);
    expect(await dataset.image(index)).toEqual(first);
    expect(dataset.length).toBe(5);
    const reason = expect.stringContaining('its format is not read') as unknown;
    expect(bad.list()).toEqual([{ file: path.join(root, 'a/bad.png'), reason }]);
  });

  test('beyond their number end the run with the first reason', async () => {
    put('a/x.png');
    for (const name of ['a/1.png', 'a/2.png']) put(name, 'no image');
    const dataset = imageFolderDataset(await listImages(root), { bad: new BadImages(1) });
    await dataset.image(0);
    await expect(dataset.image(1)).rejects.toThrow(/at most 1 damaged images.*1\.png/);
  });

  test('may be all of a class', async () => {
    for (const name of ['a/1.png', 'a/2.png']) put(name, 'no image');
    const dataset = imageFolderDataset(await listImages(root), { bad: new BadImages(9) });
    await expect(dataset.image(0)).rejects.toThrow(/an image that can be read for class a/);
  });

  test('include files that may not be read', async () => {
    for (const name of ['a/1.png', 'a/2.png']) put(name, png(7));
    chmodSync(path.join(root, 'a/1.png'), 0);
    const bad = new BadImages(1);
    const dataset = imageFolderDataset(await listImages(root), { bad });
    expect((await dataset.image(0)).data[0]).toBe(7);
    // Root may read everything.
    expect(bad.list().length).toBe(process.getuid?.() === 0 ? 0 : 1);
  });
});

describe('CIFAR', () => {
  const record = (label: number[], level: number) =>
    Buffer.concat([Buffer.from(label), ...[0, 1, 2].map((c) => Buffer.alloc(1024, level + c))]);

  test('planes become pixels, and the fine label of CIFAR-100 counts', async () => {
    put('train.bin', Buffer.concat([record([1, 42], 10), record([2, 7], 20)]));
    put(
      'fine_label_names.txt',
      Array.from({ length: 100 }, (_, k) => `class${k}`).join('\n') + '\n',
    );
    const dataset = await loadCifar('CIFAR100', { folder: root, part: 'train' });
    expect([dataset.length, dataset.label(0), dataset.label(1)]).toEqual([2, 42, 7]);
    expect([...dataset.image(1).data.subarray(0, 6)]).toEqual([20, 21, 22, 20, 21, 22]);
    expect(dataset.classNames[42]).toBe('class42');
  });

  test.each([
    ['a broken record', () => put('test_batch.bin', new Uint8Array(3072)), /records of 3073 bytes/],
    ['an empty file', () => put('test_batch.bin', ''), /received "?0 bytes/],
    ['a label', () => put('test_batch.bin', record([10], 0)), /label of record 0/],
    ['no file', () => undefined, /test_batch\.bin/],
  ])('refuses %s', async (_, make, message) => {
    put('batches.meta.txt', 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n');
    make();
    await expect(loadCifar('CIFAR10', { folder: root, part: 'test' })).rejects.toThrow(message);
  });
});

describe('through the command line', () => {
  const config = (dataset: string) => ({
    name: 'photos',
    model: {
      imageSize: 8,
      patchSize: 4,
      inChannels: 3,
      numClasses: 2,
      embedDim: 12,
      depth: 1,
      numHeads: 2,
    },
    data: {
      dataset,
      folder: root,
      trainTransforms: [
        { name: 'randomResizedCrop', height: 8, width: 8 },
        { name: 'randomHorizontalFlip' },
        { name: 'autoAugment', policy: 'rand-m9-mstd0.5-inc1' },
      ],
    },
    epochs: 1,
    batchSize: 4,
    learningRate: 1e-3,
  });
  const putClasses = (below: string, count: number) => {
    for (const name of ['cat', 'dog'])
      for (let i = 0; i < count; i += 1) put(`${below}${name}/${i}.png`);
  };
  const train = async (dataset: string, change: object = {}) => {
    const file = path.join(root, '..', `${path.basename(root)}.json`);
    writeFileSync(file, JSON.stringify({ ...config(dataset), ...change }));
    const run = path.join(root, '..', `${path.basename(root)}-run`);
    try {
      const flags = ['--backend', 'cpu', '--workers', '0', '--output-dir', run];
      return await vit('train', '--config', file, ...flags);
    } finally {
      rmSync(file);
      rmSync(run, { recursive: true, force: true });
    }
  };

  test('ImageNet’s layout trains and chooses on val', async () => {
    putClasses('train/', 4);
    putClasses('val/', 2);
    put('train/.DS_Store', '');
    const { code, error } = await train('ImageNet');
    expect([code, error]).toEqual([
      0,
      expect.stringContaining(
        '8 images of 2 classes; entries left out: 1 that begin with a dot or are folders of the system.',
      ),
    ]);
    expect(error).toContain('4 images of 2 classes.');
  });

  test('a folder of class folders trains and holds images out', async () => {
    putClasses('', 6);
    const { code, error } = await train('folder');
    expect([code, error]).toEqual([0, expect.stringContaining('12 images of 2 classes.')]);
  });

  test('FractalDB’s layout trains on all images, and the model has as many classes as there are', async () => {
    putClasses('train/', 4);
    put('train/cat/parameters.csv', '');
    const { numClasses, ...model } = config('FractalDB').model;
    const { code, error } = await train('FractalDB', { model });
    expect(error).toContain('8 images of 2 classes; entries left out: 1 that are no images.');
    expect([code, numClasses]).toEqual([0, 2]);
  });

  test('ImageNet’s layout is asked for where there are class folders alone', async () => {
    putClasses('', 2);
    const { code, error } = await train('ImageNet');
    expect([code, error]).toEqual([2, expect.stringMatching(/a folder train.*"folder"/)]);
  });

  test('images that both parts have are told', async () => {
    putClasses('train/', 4);
    putClasses('val/', 2);
    put('val/dog/other.png', encodePng(makeImage(3, 2, 3, new Uint8Array(18).fill(9))));
    const { code, error } = await train('ImageNet');
    expect([code, error]).toEqual([0, expect.stringContaining('4 of 5 validation images')]);
  });

  test('a flat val is refused with the remedy', async () => {
    putClasses('train/', 2);
    put('val/1.png');
    const { code, error } = await train('ImageNet');
    expect([code, error]).toEqual([
      2,
      expect.stringMatching(/put those of each class into a folder/),
    ]);
  });
});
