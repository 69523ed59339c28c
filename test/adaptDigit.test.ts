// Photographs and drawings of digits become images of MNIST; images of MNIST stay as they are.

import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '../lib/backends/select.ts';
import { makeImage, type RgbImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { adaptToMnist, mnistDataset } from '../lib/data/mnist.ts';
import { MNIST_NORMALIZATION, normalizeInto } from '../lib/data/normalize.ts';
import { resizeImage } from '../lib/data/resizeImage.ts';
import { holdOut } from '../lib/data/split.ts';
import type { Dataset } from '../lib/data/dataset.ts';
import { loadMnist } from '../lib/io/mnist.ts';
import { loadModel } from '../lib/node.ts';
import type { Model } from '../lib/models/model.ts';
import { drawScene, photographOf, type Scene } from './support/digitPhotograph.ts';

let digits: Dataset;
let model: Model;
beforeAll(async () => {
  await selectBackend();
  // The held-out images: the model was not trained on them, and the test images are not looked at.
  digits = holdOut(mnistDataset(await loadMnist()), 5000).validation;
  model = await loadModel(join(__dirname, '../checkpoints/mnist-vit'));
}, 60_000);
afterAll(() => model.dispose());

const digit = (index: number): RgbImage => digits.image(index) as RgbImage;
const inverted = (image: RgbImage): RgbImage => ({
  ...image,
  data: image.data.map((level) => 255 - level),
});

/** How many of some images the model names right. */
async function rightOf(images: readonly RgbImage[], labels: readonly number[]): Promise<number> {
  const pixels = new Float32Array(images.length * 784);
  images.forEach((image, i) => normalizeInto(image, MNIST_NORMALIZATION, pixels, i * 784));
  const answers = tf.tidy(() =>
    tf.argMax(model.forward(tf.tensor4d(pixels, [images.length, 28, 28, 1])), 1),
  );
  const classes = await answers.data();
  answers.dispose();
  return labels.filter((label, i) => classes[i] === label).length;
}

async function rightOnPhotographs(given: Partial<Scene>, count: number): Promise<number> {
  const rng = new Rng(16);
  const indices = Array.from({ length: count }, (_, i) => i * Math.floor(5000 / count));
  const images = indices.map((index) => {
    const own = rng.split(index);
    return adaptToMnist(photographOf(digit(index), drawScene(own, given), own)).image;
  });
  return rightOf(
    images,
    indices.map((index) => digits.label(index)),
  );
}

test('an image of MNIST stays as it is, byte for byte, and its negative is inverted', () => {
  for (let index = 0; index < 5000; index += 10) {
    const image = digit(index);
    const same = adaptToMnist(image);
    expect(same).toEqual({ image });
    expect(same.image.data).toBe(image.data);
    const back = adaptToMnist(inverted(image));
    expect(back.image.data).toEqual(image.data);
    expect(back.note).toMatch(/inverted/);
  }
});

test('photographed digits are read', async () => {
  // When an image was only inverted, 13 of 100 were.
  expect(await rightOnPhotographs({ width: 150, height: 130 }, 30)).toBeGreaterThanOrEqual(28);
}, 120_000);

test.each<[string, Partial<Scene>]>([
  ['drawn black on white', { noise: 0, gradient: 0, vignette: 0, paper: 255, ink: 0 }],
  ['drawn white on black', { noise: 0, gradient: 0, vignette: 0, paper: 0, ink: 255 }],
  ['of a thin pen', { stroke: -0.9, paper: 220, ink: 60 }],
  ['on dark, strongly shaded paper', { gradient: 0.6, vignette: 0.4, paper: 140, ink: 40 }],
  ['in light ink on a board', { paper: 50, ink: 180, noise: 6 }],
])(
  'a digit %s is read',
  async (_, scene) => {
    const place = { width: 140, height: 160, degrees: 0, size: 0.6 };
    expect(await rightOnPhotographs({ ...place, ...scene }, 8)).toBeGreaterThanOrEqual(7);
  },
  120_000,
);

test('the digit is 20 pixels long, and its centre of mass is in the middle of 28 × 28', () => {
  const rng = new Rng(3);
  for (const index of [0, 100, 200, 300]) {
    const scene = drawScene(rng.split(index), { width: 120, height: 160 });
    const { image } = adaptToMnist(photographOf(digit(index), scene, rng.split(index, 1)));
    expect([image.width, image.height, image.channels]).toEqual([28, 28, 1]);
    let [mass, x, y] = [0, 0, 0];
    const [columns, rows] = [new Set<number>(), new Set<number>()];
    image.data.forEach((level, i) => {
      mass += level;
      x += level * ((i % 28) + 0.5);
      y += level * (Math.floor(i / 28) + 0.5);
      if (level > 40) {
        columns.add(i % 28);
        rows.add(Math.floor(i / 28));
      }
    });
    expect(Math.abs(x / mass - 14)).toBeLessThan(1);
    expect(Math.abs(y / mass - 14)).toBeLessThan(1);
    expect(Math.max(columns.size, rows.size)).toBeGreaterThanOrEqual(18);
    expect(Math.max(columns.size, rows.size)).toBeLessThanOrEqual(20);
  }
});

describe('a warning is given', () => {
  const plain = (level: (i: number) => number): RgbImage =>
    makeImage(
      60,
      50,
      1,
      Uint8Array.from({ length: 3000 }, (_, i) => level(i)),
    );

  test.each([
    ['nothing on it', plain(() => 255)],
    ['nothing but noise', plain((i) => 150 + ((i * 7919) % 11))],
    ['nothing but shading', plain((i) => 100 + (i % 60) + Math.floor(i / 60))],
  ])('for paper with %s, which becomes a dark ground', (_, image) => {
    const adapted = adaptToMnist(image);
    expect(adapted.image).toEqual(inverted(image));
    expect(adapted.note).toMatch(/^No digit was found/);
    const dark = adaptToMnist(inverted(image));
    expect(dark.image).toEqual(inverted(image));
  });

  test('for two digits side by side', () => {
    const sheet = new Uint8Array(120 * 60);
    [0, 1].forEach((k) => {
      const { data } = resizeImage(digit(300 * k), { width: 60, height: 60 });
      data.forEach((level, i) => (sheet[Math.floor(i / 60) * 120 + 60 * k + (i % 60)] = level));
    });
    const { note } = adaptToMnist(inverted(makeImage(120, 60, 1, sheet)));
    expect(note).toMatch(/Another mark is left out/);
  });

  test('not for one digit of several strokes', () => {
    for (const index of [0, 50, 100, 150]) {
      const large = resizeImage(digit(index), { width: 100, height: 100 }, 'bicubic');
      expect(adaptToMnist(large).note).not.toMatch(/left out/);
    }
  });
});

test('images of any size and kind give an answer', () => {
  const rng = new Rng(8);
  for (const [width, height, channels] of [
    [1, 1, 1],
    [1, 300, 3],
    [500, 2, 1],
    [28, 28, 3],
    [27, 29, 1],
  ] as const) {
    const data = Uint8Array.from({ length: width * height * channels }, () => rng.integer(256));
    const { image } = adaptToMnist(makeImage(width, height, channels, data));
    expect(image.data.length).toBe(image.width * image.height * image.channels);
  }
});
