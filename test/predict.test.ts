// `predict`: an image of any kind, by the preprocessing and class names that are stored with the model.

import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '../lib/backends/select.ts';
import { InputError, NumericError, VitError } from '../lib/core/errors.ts';
import { makeImage, type RgbImage } from '../lib/core/image.ts';
import { MemoryDataset } from '../lib/data/dataset.ts';
import { Loader } from '../lib/data/loader.ts';
import { adaptToMnist, mnistDataset } from '../lib/data/mnist.ts';
import { normalizeInto } from '../lib/data/normalize.ts';
import {
  makePreprocessing,
  preprocessImage,
  type Preprocessing,
} from '../lib/data/preprocessing.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { loadMnist } from '../lib/io/mnist.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import * as library from '../lib/node.ts';
import { loadModel, predict as predictInNode, saveModel, trainInFolder } from '../lib/node.ts';
import { predict } from '../lib/predict/predict.ts';
import type { Model } from '../lib/models/model.ts';
import { refusalOf, temporaryFolder } from './support/failingDisk.ts';

const place = temporaryFolder();
const shipped = join(__dirname, '../checkpoints/mnist-vit');
let digits: Model;
let seven: RgbImage;
beforeAll(async () => {
  await selectBackend();
  digits = await loadModel(shipped);
  const dataset = mnistDataset(await loadMnist({ limit: 200 }));
  const index = Array.from({ length: 200 }, (_, i) => i).find((i) => dataset.label(i) === 7)!;
  seven = dataset.image(index);
}, 60_000);
afterAll(() => digits.dispose());

const small = (options: object = {}): VisionTransformer =>
  new VisionTransformer({
    ...{ imageSize: 8, patchSize: 4, inChannels: 3, numClasses: 3 },
    ...{ embedDim: 12, depth: 1, numHeads: 2, weightInit: 'jax' },
    ...options,
  });
const normalize = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] };

describe('of the shipped model', () => {
  test('gives all classes by probability, with their names', async () => {
    const before = tf.memory().numTensors;
    const classes = await predict(digits, seven);
    expect(classes[0]).toMatchObject({ label: '7', index: 7 });
    expect(classes[0]!.probability).toBeGreaterThan(0.9);
    expect(classes.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
    const values = classes.map(({ probability }) => probability);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(values.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(await predict(digits, seven, { topK: 2 })).toEqual(classes.slice(0, 2));
    expect(tf.memory().numTensors).toBe(before);
  });

  test('is the same for every kind of the same image', async () => {
    const wanted = await predict(digits, seven);
    const { data } = seven;
    const rgba = new Uint8ClampedArray(4 * 784).fill(255);
    data.forEach((level, i) => rgba.fill(level, 4 * i, 4 * i + 3));
    const ints = tf.tensor3d(Array.from(data), [28, 28, 1], 'int32');
    const floats = tf.tensor2d(
      Array.from(data, (level) => level / 255),
      [28, 28],
    );
    const batch = ints.as4D(1, 28, 28, 1);
    const colour = tf.tile(ints, [1, 1, 3]);
    for (const image of [ints, floats, batch, colour, { width: 28, height: 28, data: rgba }]) {
      expect(await predict(digits, image)).toEqual(wanted);
    }
    tf.dispose([ints, floats, batch, colour]);
    const file = encodePng(seven);
    for (const image of [file, Buffer.from(file), Uint8Array.from(file).buffer, seven]) {
      expect(await predictInNode(digits, image)).toEqual(wanted);
    }
  });

  test('adapts a foreign image as the data set does, and says so', async () => {
    const dark = { ...seven, data: seven.data.map((level) => 255 - level) };
    const notes: string[] = [];
    const [best] = await predictInNode(digits, encodePng(dark), {
      onNote: (text) => notes.push(text),
    });
    expect([best!.label, notes.length]).toEqual(['7', 1]);
    expect(notes[0]).toBe(adaptToMnist(dark).note);
    const asItIs = await predict(digits, dark, { adaptImage: false });
    expect(asItIs[0]!.probability).not.toBe(best!.probability);
    const adaptImage = () => ({ image: seven, note: 'a seven' });
    expect(await predict(digits, dark, { adaptImage })).toEqual(await predict(digits, seven));
  });

  test('of a page: elements are drawn at their own size', async () => {
    const drawn: unknown[] = [];
    class FakeCanvas {
      readonly width: number;
      readonly height: number;
      constructor(width: number, height: number) {
        [this.width, this.height] = [width, height];
      }
      getContext() {
        return {
          drawImage: (...words: unknown[]) => drawn.push(words),
          getImageData: () => {
            const rgba = new Uint8ClampedArray(4 * 784).fill(255);
            seven.data.forEach((level, i) => rgba.fill(level, 4 * i, 4 * i + 3));
            return { width: this.width, height: this.height, data: rgba };
          },
        };
      }
    }
    const page = globalThis as { OffscreenCanvas?: unknown };
    page.OffscreenCanvas = FakeCanvas;
    try {
      const element = { naturalWidth: 28, naturalHeight: 28, width: 100, height: 90 };
      const [best] = await predict(digits, element as HTMLImageElement);
      expect(best!.label).toBe('7');
      expect(drawn).toEqual([[element, 0, 0, 28, 28]]);
      const empty = { naturalWidth: 0, naturalHeight: 0, width: 100, height: 90 };
      const refusal = await refusalOf(predict(digits, empty as HTMLImageElement));
      expect(refusal).toMatch(/image\.decode\(\)/);
    } finally {
      delete page.OffscreenCanvas;
    }
  });
});

describe('normalisation is stated once', () => {
  const images = Uint8Array.from({ length: 24 * 192 }, (_, i) => (i * 31) % 256);
  const labels = Array.from({ length: 24 }, (_, i) => i % 3);
  const classNames = ['red', 'green', 'blue'];
  const dataset = new MemoryDataset({ images, labels, imageShape: [8, 8, 3], classNames });

  test('a trained, a saved and a loaded model predict with what training was given', async () => {
    const model = small();
    const image = dataset.image(5);
    const run = join(place(), 'run');
    await trainInFolder(
      { epochs: 1, batchSize: 8, learningRate: 1e-3 },
      {
        ...{ outputDir: run, model, train: dataset, normalize },
        ...{ progress: false, tensorboard: false },
      },
    );
    const wanted = await predict(model, image);
    const pixels = new Float32Array(192);
    normalizeInto(image, normalize, pixels, 0);
    const logits = model.forward(tf.tensor4d(pixels, [1, 8, 8, 3]));
    const [best] = await tf.softmax(logits).max().data();
    expect(wanted[0]!.probability).toBeCloseTo(best!, 6);
    expect(classNames[wanted[0]!.index]).toBe(wanted[0]!.label);
    const copy = join(place(), 'copy');
    await saveModel(model, copy);
    for (const folder of [run, copy]) {
      const loaded = await loadModel(folder);
      const found = await predict(loaded, image);
      found.forEach(({ label, probability }) => {
        const same = wanted.find((each) => each.label === label)!;
        expect(probability).toBeCloseTo(same.probability, 5);
      });
      loaded.dispose();
    }
    model.dispose();
  });

  test('a model that knows none is refused, until it is given', async () => {
    const model = small();
    const image = dataset.image(0);
    expect(await refusalOf(predict(model, image))).toMatch(
      /Expected a stored normalisation for the model.*preprocessing: \{normalize/,
    );
    const [best] = await predict(model, image, { preprocessing: { normalize } });
    expect(best!.label).toBe(`class ${best!.index}`);
    const [named] = await predict(model, image, { preprocessing: { normalize }, classNames });
    expect(named!.label).toBe(classNames[named!.index]);
    model.dispose();
  });
});

describe('bad input is refused in one sentence', () => {
  const ask = predictInNode as (...words: unknown[]) => Promise<unknown>;
  const zeros = (shape: number[], dtype: 'int32' | 'float32' | 'bool' | 'complex64' = 'int32') =>
    dtype === 'complex64' ? tf.complex([0], [0]) : tf.zeros(shape, dtype);
  const cases: [string, () => unknown, RegExp][] = [
    ['undefined', () => undefined, /a tensor, an RgbImage/],
    ['null', () => null, /a tensor, an RgbImage/],
    ['a number', () => 7, /a tensor, an RgbImage/],
    ['a list', () => [1, 2], /a tensor, an RgbImage/],
    ['no path', () => '', /a path or the bytes/],
    ['a missing file', () => 'nowhere.png', /no such file/],
    ['a tensor of rank 1', () => zeros([784]), /the shape of image/],
    ['a batch of 2', () => zeros([2, 28, 28, 1]), /the shape of image/],
    ['two channels', () => zeros([28, 28, 2]), /the shape of image/],
    ['nothing in it', () => zeros([0, 28, 1]), /the shape of image/],
    ['bool', () => zeros([28, 28], 'bool'), /int32 or float32/],
    // wasm has no kernel that makes one.
    [
      'complex64',
      () => new tf.Tensor([1], 'complex64', {}, -1),
      /the shape of image|int32 or float32/,
    ],
    ['levels as floats', () => tf.fill([28, 28], 255), /0 to 1 \(float32\) for element 0/],
    ['a NaN', () => tf.tensor2d([0, NaN], [1, 2]), /element 1 of image, received NaN/],
    ['a level of 256', () => tf.tensor2d([0, 256], [1, 2], 'int32'), /element 1/],
    ['floats in an image', () => ({ ...seven, data: new Float32Array(784) }), /Math\.round\(255/],
    ['too few bytes', () => ({ ...seven, data: new Uint8Array(783) }), /784 bytes/],
    ['a side of 0', () => ({ ...seven, width: 0 }), /the width of image/],
    ['four channels', () => ({ ...seven, channels: 4 }), /the channels of image/],
    ['half of ImageData', () => ({ width: 2, height: 2, data: new Uint8Array(15) }), /16 bytes/],
    ['too many pixels', () => ({ width: 1e5, height: 1e5, data: seven.data }), /50000000 pixels/],
  ];
  test.each(cases)('the image: %s', async (_, make, message) => {
    const image = make();
    expect(await refusalOf(() => ask(digits, image))).toMatch(message);
    if (image instanceof tf.Tensor) image.dispose();
  });

  test('a disposed tensor', async () => {
    const tensor = tf.zeros([28, 28], 'int32');
    tensor.dispose();
    expect(await refusalOf(() => ask(digits, tensor))).toMatch(/a disposed one/);
  });

  test.each([
    [undefined, /a model for predict/],
    [null, /a model for predict/],
    [{}, /a model for predict/],
    ['vit', /a model for predict/],
  ])('the model %p', async (model, message) => {
    expect(await refusalOf(() => ask(model, seven))).toMatch(message);
    expect(await refusalOf(() => ask(model, encodePng(seven)))).toMatch(message);
  });

  test.each([
    [{ topK: 0 }, /topK/],
    [{ classNames: ['a'] }, /10 names for classNames/],
    [{ adaptImage: 5 }, /adaptImage/],
    [{ preprocessing: 5 }, /preprocessing/],
    [{ preprocessing: { normalize: { mean: [0], std: [0] } } }, /std/],
    [{ preprocessing: { cropMode: 'no' } }, /cropMode/],
    [null, /options of predict/],
  ])('the options %j', async (options, message) => {
    expect(await refusalOf(() => ask(digits, seven, options))).toMatch(message);
  });

  test('a model of features, one of four channels, and one whose weights are out of range', async () => {
    const features = small({ numClasses: 0 });
    expect(await refusalOf(() => ask(features, seven))).toMatch(/with classes/);
    const four = small({ inChannels: 4 });
    expect(await refusalOf(() => ask(four, seven))).toMatch(/1 or 3 channels|stored normalisation/);
    const wild = small();
    for (const parameter of wild.namedParameters().values()) {
      parameter.assign(tf.fill(parameter.shape, 1e30));
    }
    const options = { preprocessing: { normalize } };
    await expect(predict(wild, seven, options)).rejects.toThrow(NumericError);
    for (const model of [features, four, wild]) model.dispose();
  });
});

describe('own arrays', () => {
  const make = (change: object) => () =>
    new MemoryDataset({
      ...{ images: new Uint8Array(8), labels: [0, 1], imageShape: [2, 2, 1] },
      ...{ classNames: ['a', 'b'] },
      ...change,
    } as never);
  const floats = Float32Array.of(0, 0.5, 1, 0, 0, 0, 0, 0);

  test.each<[object, RegExp]>([
    [{ labels: [0, -1] }, /label 1, received -1/],
    [{ labels: [0, 1.5] }, /label 1, received 1\.5/],
    [{ labels: Float32Array.of(NaN, 0) }, /label 0, received NaN/],
    [{ labels: [0, 2] }, /label 1, received 2/],
    [{ labels: ['0', 1] }, /label 0, received "0"/],
    [{ labels: null }, /an array of numbers for labels/],
    [{ labels: 5 }, /an array of numbers for labels/],
    [{ labels: BigInt64Array.of(0n, 1n) }, /BigInt64Array/],
    [{ images: floats }, /element 1 of image 0, received 0\.5.*255/],
    [{ images: Float32Array.of(0, 0, 1, 0, 0, 0, 1, 0) }, /none above 1/],
    [{ images: Int16Array.of(0, 0, 0, 0, 0, 256, 0, 0) }, /element 1 of image 1, received 256/],
    [{ images: [0, 0, -1, 0, 0, 0, 0, 0] }, /element 2 of image 0, received -1/],
    [{ images: [0, 0, 0, 0, 0, 0, 0, null] }, /element 3 of image 1, received null/],
    [{ images: undefined }, /an array of numbers for images/],
    [{ images: new Uint8Array(7) }, /2 images of 4 bytes/],
    [{ images: new Float64Array(9) }, /2 images of 4 bytes/],
    [{ imageShape: [2, 2] }, /imageShape/],
    [{ imageShape: [2, 2, 0] }, /imageShape/],
    [{ imageShape: [2, 2.5, 1] }, /imageShape/],
    [{ imageShape: null }, /imageShape/],
    [{ classNames: [] }, /classNames/],
    [{ classNames: 'ab' }, /classNames/],
  ])('%j are refused', (change, message) => {
    expect(make(change)).toThrow(InputError);
    expect(make(change)).toThrow(message);
  });

  test('whole levels of any type are taken', () => {
    const levels = [0, 1, 2, 3, 250, 251, 254, 255];
    const bytes = Uint8Array.from(levels);
    for (const images of [levels, bytes, Float32Array.from(levels), Int32Array.from(levels)]) {
      expect([...make({ images })().image(1).data]).toEqual([250, 251, 254, 255]);
    }
    const clamped = Uint8ClampedArray.from(levels);
    expect([...make({ images: clamped })().image(1).data]).toEqual([250, 251, 254, 255]);
    const view = make({ images: bytes })().image(0).data;
    expect(view.buffer).toBe(bytes.buffer);
  });

  test('floats of a data set of the caller, of an image and of a loader are refused', async () => {
    const image = { width: 2, height: 2, channels: 1, data: Float32Array.of(0, 0.2, 0.5, 1) };
    const own = {
      ...{ length: 1, numClasses: 2, classNames: ['a', 'b'], imageShape: [2, 2, 1] },
      ...{ image: () => image, label: () => 0 },
    };
    const loader = new Loader({
      dataset: own as never,
      batchSize: 1,
      normalize: { mean: [0], std: [1] },
    });
    const message = /a Uint8Array of levels from 0 to 255 for .*Math\.round\(255/;
    await expect(loader.batch(0, 0)).rejects.toThrow(message);
    const preprocessing = { size: [2, 2], normalize: { mean: [0], std: [1] } } as never;
    expect(() => preprocessImage(image as never, preprocessing as Preprocessing)).toThrow(message);
    expect(() => makeImage(2, 2, 1, image.data as never)).toThrow(VitError);
    expect(() => encodePng(image as never)).toThrow(VitError);
  });
});

test('a record that cannot be used is refused by its key', async () => {
  const folder = join(place(), 'bad');
  const model = small();
  await saveModel(model, folder, {
    preprocessing: { normalize: { mean: [1], std: [1] } } as never,
  });
  model.dispose();
  const loaded = await loadModel(folder);
  const image = makeImage(8, 8, 3, new Uint8Array(192));
  await expect(predict(loaded, image)).rejects.toThrow(/preprocessing/);
  await expect(predict(loaded, image)).rejects.toThrow(VitError);
  loaded.dispose();
});

describe('siblings refuse what is no image, no data set and no option', () => {
  const all = library as unknown as Record<string, (...words: unknown[]) => unknown>;
  const image = makeImage(2, 2, 1, new Uint8Array(4));
  const shaped = { size: [2, 2], normalize: { mean: [0], std: [1] } };
  const out = new Float32Array(4);
  const wrong: unknown[] = [undefined, null, 5, 'x', [], {}, { ...image, data: null }];
  const calls: [string, (bad: unknown) => unknown][] = [
    ['encodePng', (bad) => all['encodePng']!(bad)],
    ['adaptToMnist', (bad) => all['adaptToMnist']!(bad)],
    ['resizeImage', (bad) => all['resizeImage']!(bad, { width: 2, height: 2 })],
    // An image is a size too.
    ['a size', (bad) => all['resizeImage']!(image, typeof bad === 'object' ? null : bad)],
    ['fitImage', (bad) => all['fitImage']!(bad, { width: 2, height: 2 })],
    ['normalizeInto', (bad) => all['normalizeInto']!(bad, shaped.normalize, out, 0)],
    ['the statistics of normalizeInto', (bad) => all['normalizeInto']!(image, bad, out, 0)],
    ['preprocessImage', (bad) => all['preprocessImage']!(bad, makePreprocessing(shaped as never))],
    ['the steps of preprocessImage', (bad) => all['preprocessImage']!(image, bad)],
    ['parsePreprocessing', (bad) => all['parsePreprocessing']!(bad, 1)],
    ['makeImage', (bad) => all['makeImage']!(2, 2, 1, bad)],
    ['readIdx', (bad) => all['readIdx']!(bad, 'file', { rank: 1 })],
    ['the options of readIdx', (bad) => all['readIdx']!(new Uint8Array(8), 'file', bad)],
    ['MemoryDataset', (bad) => new MemoryDataset(bad as never)],
    ['Loader', (bad) => new Loader(bad as never)],
    ['the data set of Loader', (bad) => new Loader({ dataset: bad, batchSize: 1 } as never)],
    ['holdOut', (bad) => all['holdOut']!(bad, 1)],
    ['registerDataset', (bad) => all['registerDataset']!(bad)],
  ];
  test.each(calls)('%s', (_, call) => {
    for (const bad of wrong) expect(() => call(bad)).toThrow(VitError);
  });

  test('options that are null', async () => {
    expect(() => all['makePreprocessing']!(null)).toThrow(VitError);
    await expect(async () => all['loadMnist']!(null)).rejects.toThrow(VitError);
    expect(() => all['sha256']!(null)).toThrow(VitError);
  });
});
