import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { classNamesOf, readModelInput } from '../lib/cli/modelInput.ts';
import { Loader } from '../lib/data/loader.ts';
import { mnistDataset } from '../lib/data/mnist.ts';
import { MNIST_NORMALIZATION } from '../lib/data/normalize.ts';
import { loadMnist } from '../lib/io/mnist.ts';

const mnist = { imageSize: [28, 28], inChannels: 1, numClasses: 10 } as const;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'vit-input-'));
});
afterAll(async () => rm(folder, { recursive: true }));

test('an index gives exactly what evaluation sees', async () => {
  const dataset = mnistDataset(await loadMnist({ split: 'test', limit: 8 }));
  const batch = await new Loader({ dataset, batchSize: 8, normalize: MNIST_NORMALIZATION }).batch(
    0,
    0,
  );
  const { pixels, label, source } = await readModelInput('7', mnist);
  expect(pixels).toEqual(batch.images.slice(7 * 784));
  expect(label).toBe(batch.labels[7]);
  expect(source).toBe('MNIST test image 7');
});

test('a PNG of a test image gives the same as its index', async () => {
  const byIndex = await readModelInput('3', mnist);
  const file = path.join(folder, 'three.png');
  await sharp(byIndex.picture.data, { raw: { width: 28, height: 28, channels: 1 } })
    .png()
    .toFile(file);
  const byFile = await readModelInput(file, mnist);
  expect(byFile.pixels).toEqual(byIndex.pixels);
  expect(byFile.source).toBe('three.png');
  expect(byFile.label).toBeUndefined();
});

test.each([
  ['large and coloured', 640, 481, mnist],
  ['one pixel', 1, 1, mnist],
  [
    'for a model that is not square',
    30,
    90,
    { ...mnist, imageSize: [16, 40], inChannels: 3 } as const,
  ],
])('a picture, %s, is brought to the size of the model', async (_, width, height, shape) => {
  const file = path.join(folder, 'picture.jpg');
  const create = { width, height, channels: 3, background: '#c04020' } as const;
  await sharp({ create }).jpeg().toFile(file);
  const { pixels, picture } = await readModelInput(file, shape);
  expect([picture.height, picture.width, picture.channels]).toEqual([
    ...shape.imageSize,
    shape.inChannels,
  ]);
  expect(pixels).toHaveLength(picture.data.length);
  expect(pixels.every(Number.isFinite)).toBe(true);
});

test('dark ink on paper is pointed out, and can be inverted', async () => {
  const file = path.join(folder, 'paper.png');
  const create = { width: 28, height: 28, channels: 3, background: '#ffffff' } as const;
  await sharp({ create }).png().toFile(file);
  expect((await readModelInput(file, mnist)).warning).toMatch(/--invert/);
  const { picture, warning } = await readModelInput(file, mnist, { invert: true });
  expect(warning).toBeUndefined();
  expect(new Set(picture.data)).toEqual(new Set([0]));
});

test.each([
  ['10000', mnist, /index below 10000/],
  ['99999999999999999999', mnist, /index below 10000/],
  ['no such file.png', mnist, /no such file/],
  ['', mnist, /./],
  ['0', { ...mnist, inChannels: 4 }, /1 or 3 channels/],
])('%s is refused with one sentence', async (image, shape, message) => {
  await expect(readModelInput(image, shape)).rejects.toThrow(message);
});

test('text that is called a picture is refused', async () => {
  const file = path.join(folder, 'text.png');
  await writeFile(file, 'not a picture');
  await expect(readModelInput(file, mnist)).rejects.toThrow(/text\.png/);
});

test('class names are known for digits only', () => {
  expect(classNamesOf(mnist)?.[4]).toBe('4');
  expect(classNamesOf({ ...mnist, numClasses: 1000 })).toBeUndefined();
});
