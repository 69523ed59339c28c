// Data sets and transforms by name, registered from outside; labels, preprocessing, shards and batch transforms.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { openImage } from '../lib/cli/inputImage.ts';
import { loadTrained } from '../lib/cli/trainedModel.ts';
import '@tensorflow/tfjs-backend-cpu';
import {
  createModel,
  datasetDescriptor,
  datasetNames,
  encodePng,
  InputError,
  labelSmoothing,
  Loader,
  loadModel,
  makePreprocessing,
  makeTransforms,
  MemoryDataset,
  parsePreprocessing,
  preprocessImage,
  registerDataset,
  registerTransform,
  Rng,
  saveModel,
  transformNames,
  type BatchTransform,
  type Dataset,
  type DatasetDescriptor,
  type RgbImage,
  type SampleSource,
  type Transform,
} from '../lib/node.ts';
import { fingerprint } from '../lib/data/fingerprint.ts';
import { vit, writeExperiment } from './support/cli.ts';

jest.setTimeout(60_000);

const normalize = { mean: [0.5], std: [0.5] };

// Stripes across or down, of several sizes.
function stripes(length: number, seed: number): Dataset {
  const rng = new Rng(seed);
  const images = Array.from({ length }, (_, i): RgbImage => {
    const [width, height] = [8 + rng.integer(6), 8 + rng.integer(6)];
    const data = new Uint8Array(width * height).map((__, at) => {
      const place = i % 2 === 0 ? Math.floor(at / width) : at % width;
      return (place % 2) * 200 + rng.integer(50);
    });
    return { width, height, channels: 1, data };
  });
  return {
    length,
    numClasses: 2,
    classNames: ['across', 'down'],
    image: (i) => images[i]!,
    label: (i) => i % 2,
  };
}

const toy: DatasetDescriptor = {
  name: 'toy-stripes',
  title: 'Stripes',
  parts: ['train', 'validation', 'test'],
  classNames: ['across', 'down'],
  inputChannels: 1,
  normalize,
  decode: 'pil',
  open: ({ part }) =>
    Promise.resolve(stripes({ train: 40, validation: 12, test: 16 }[part], part.length)),
  adaptImage: (image) => ({ image, note: 'A picture of stripes, as it is.' }),
};

const invert: Transform = (image) => ({ ...image, data: image.data.map((value) => 255 - value) });

beforeAll(() => {
  registerDataset(toy);
  registerTransform({ name: 'toyInvert', options: {}, make: () => invert });
});

describe('the registry of data sets', () => {
  test('has MNIST and what a user adds, by name', () => {
    expect(datasetNames()).toEqual(expect.arrayContaining(['mnist', 'toy-stripes']));
    expect(datasetDescriptor('toy-stripes')).toBe(toy);
    expect(datasetDescriptor('mnist')).toMatchObject({ parts: ['train', 'test'], valSplit: 5000 });
    registerDataset(toy);
  });

  test('an unknown name is refused with the nearest', () => {
    expect(() => datasetDescriptor('minst')).toThrow(/one of mnist.*Did you mean mnist\?/);
    expect(() => datasetDescriptor(undefined)).toThrow(InputError);
  });

  test.each([
    [{ ...toy, name: 'mnist' }, /registered already/],
    [{ ...toy, name: 'a b' }, /letters/],
    [{ ...toy, name: 'untrainable', parts: ['test'] as const }, /train among them/],
  ])('refuses %#', (descriptor, message) => {
    expect(() => registerDataset(descriptor)).toThrow(message);
  });
});

test('a data set from outside trains, evaluates and predicts through the command line', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'registry-'));
  const logged = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const run = path.join(folder, 'run');
    const model = { imageSize: 8, patchSize: 4, inChannels: 1, numClasses: 2 };
    const config = writeExperiment(path.join(folder, 'toy.json'), {
      model: { ...model, embedDim: 12, depth: 1, numHeads: 2 },
      data: {
        dataset: 'toy-stripes',
        trainTransforms: [{ name: 'toyInvert' }, { name: 'randomAffine', degrees: 3 }],
      },
    });
    const trained = await vit('train', '--config', config, '--output-dir', run);
    expect([trained.code, trained.error]).toEqual([0, expect.any(String)]);
    const said = logged.mock.calls.join('');
    expect(said).toContain('validation part of the data, 12 images; nothing is held out');
    expect(said).toMatch(/test top-1 .*16 images/);
    const stored = JSON.parse(readFileSync(path.join(run, 'config.json'), 'utf8')) as object;
    expect(stored).toMatchObject({
      valSplit: 0,
      imageShape: [8, 8, 1],
      preprocessing: { decode: 'pil', size: [8, 8], cropMode: 'center', normalize },
    });
    const result = await vit('eval', '--checkpoint', run, '--json');
    const test = JSON.parse(readFileSync(path.join(run, 'test.json'), 'utf8')) as { top1: number };
    expect(JSON.parse(result.out)).toMatchObject({ images: 16, top1: test.top1 });
    const picture = path.join(folder, 'a.png');
    const data = new Uint8Array(100).fill(9);
    writeFileSync(picture, encodePng({ width: 10, height: 10, channels: 1, data }));
    const predicted = await vit('predict', '--checkpoint', run, '--image', picture);
    expect([predicted.code, predicted.out]).toEqual([0, expect.stringContaining('across')]);
    expect(predicted.error).toContain('A picture of stripes, as it is.');
    const known = await vit('predict', '--checkpoint', run, '--image', '3', '--json');
    expect(JSON.parse(known.out)).toMatchObject({ image: 'Stripes test image 3', label: 1 });
  } finally {
    logged.mockRestore();
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('transforms by name', () => {
  test('are made in their order', () => {
    expect(transformNames()).toEqual(expect.arrayContaining(['randomAffine', 'toyInvert']));
    const [first, second] = makeTransforms([
      { name: 'toyInvert' },
      { name: 'fit', height: 2, width: 2 },
    ]);
    const image = stripes(1, 1).image(0) as RgbImage;
    expect(first!(image, new Rng(0)).data).toEqual(invert(image, new Rng(0)).data);
    expect(second!(image, new Rng(0))).toMatchObject({ width: 2, height: 2 });
  });

  test.each<[unknown, RegExp]>([
    [{ name: 'randomAffine' }, /a list of steps/],
    [['randomAffine'], /an object with a name for transforms\[0\]/],
    [
      [{ name: 'toyInvert' }, { name: 'randomAfine' }],
      /transforms\[1\].*Did you mean randomAffine\?/,
    ],
    [[{ name: 'randomAffine', degres: 3 }], /Did you mean degrees\?/],
    [[{ name: 'toyInvert', much: 3 }], /no option/],
    [[{ name: 'randomAffine', degrees: -3 }], /degrees/],
    [[{ name: 'randomAffine', scale: null }], /2 finite numbers .* for transforms\[0\]\.scale/],
    [[{ name: 'randomAffine', scale: [1.1, 0.9] }], /lowest ≤ highest for transforms\[0\]\.scale/],
    [[{ name: 'randomElastic' }], /transforms\[0\]\.strength, received undefined/],
  ])('refuses %j', (steps, message) => {
    expect(() => makeTransforms(steps)).toThrow(message);
  });
});

describe('labels', () => {
  const of = (labels: ConstructorParameters<typeof MemoryDataset>[0]['labels'], classes: number) =>
    new MemoryDataset({
      images: new Uint8Array(labels.length),
      labels,
      imageShape: [1, 1, 1],
      classNames: Array.from({ length: classes }, (_, k) => `class ${k}`),
    });

  test('are int32, as many classes as there may be', async () => {
    const dataset = of(Int32Array.of(0, 21_840), 21_841);
    expect(dataset.label(1)).toBe(21_840);
    const { labels, targets } = await new Loader({ dataset, batchSize: 2, normalize }).batch(0, 0);
    expect(labels).toEqual(Int32Array.of(0, 21_840));
    expect(targets[2 * 21_841 - 1]).toBe(1);
  });

  test('labels of uint8 and of int32 give the same data set', async () => {
    const [a, b] = [of(Uint8Array.of(0, 1, 2), 3), of(Int32Array.of(0, 1, 2), 3)];
    expect(await fingerprint(a)).toBe(await fingerprint(b));
  });

  test.each([-1, NaN, 3, 1.5])('%d of 3 classes is refused with its index', async (label) => {
    expect(() => of([0, label], 3)).toThrow(/a class from 0 to 2 for label 1/);
    const dataset = { ...stripes(4, 1), imageShape: [1, 1, 1] as const, label: () => label };
    const image = { width: 1, height: 1, channels: 1, data: Uint8Array.of(0) } as const;
    const loader = new Loader({
      dataset: { ...dataset, image: () => image },
      batchSize: 2,
      normalize,
    });
    await expect(loader.batch(0, 1)).rejects.toThrow(/for label 2/);
  });
});

describe('Loader', () => {
  const dataset = new MemoryDataset({
    images: Uint8Array.from({ length: 22 }, (_, i) => i),
    labels: Array.from({ length: 22 }, (_, i) => i % 2),
    imageShape: [1, 1, 1],
    classNames: ['even', 'odd'],
  });
  const config = { dataset, batchSize: 8, normalize, seed: 4, training: true };

  test('the shards of a step together are the batch of one process', async () => {
    for (const step of [0, 2]) {
      const whole = await new Loader(config).batch(1, step);
      const parts = await Promise.all(
        [0, 1, 2].map((rank) => new Loader({ ...config, shard: { rank, size: 3 } }).batch(1, step)),
      );
      expect(parts.flatMap(({ indices }) => [...indices])).toEqual([...whole.indices]);
      expect(parts.flatMap(({ images }) => [...images])).toEqual([...whole.images]);
    }
    expect(() => new Loader({ ...config, shard: { rank: 3, size: 3 } })).toThrow(/shard\.rank/);
  });

  test('images of several sizes need an outputShape and a transform that gives it', async () => {
    const varied = { ...config, dataset: stripes(12, 1), training: false };
    expect(() => new Loader(varied)).toThrow(/outputShape.*differ in size/);
    const outputShape = [4, 6, 1] as const;
    const unfit = new Loader({ ...varied, outputShape });
    await expect(unfit.batch(0, 0)).rejects.toThrow(/the size of image 0/);
    const evalTransforms = makeTransforms([{ name: 'fit', height: 4, width: 6 }]);
    const batch = await new Loader({ ...varied, outputShape, evalTransforms }).batch(0, 0);
    expect([batch.imageShape, batch.images.length]).toEqual([outputShape, 8 * 24]);
  });

  test('applies the transforms of training or those of evaluation', async () => {
    const transforms = { trainTransforms: [invert], evalTransforms: [] };
    const on = async (training: boolean) => {
      const loader = new Loader({ ...config, ...transforms, training });
      const { images, indices } = await loader.batch(0, 0);
      // The byte of image i is i.
      return [...images].map((value, i) => [indices[i], Math.round((value * 0.5 + 0.5) * 255)]);
    };
    for (const [index, byte] of await on(false)) expect(byte).toBe(index);
    for (const [index, byte] of await on(true)) expect(byte).toBe(255 - index!);
  });

  test('batch transforms draw from (seed, epoch, step) and their position, in training only', async () => {
    const draws: number[] = [];
    const mix: BatchTransform = (batch, rng) => {
      draws.push(rng.uniform());
      const images = batch.images.map((value, i) => (value + batch.images.at(-1 - i)!) / 2);
      return { ...batch, images };
    };
    const loader = () => new Loader({ ...config, batchTransforms: [labelSmoothing(0.2), mix] });
    const batch = await loader().batch(3, 1);
    await loader().batch(3, 1);
    await loader().batch(3, 0);
    await loader().batch(4, 1);
    expect(draws[1]).toBe(draws[0]);
    expect(new Set(draws).size).toBe(3);
    expect(draws[0]).toBe(new Rng(4).split('batch', 3, 1).split(1).uniform());
    expect(batch.images[0]).toBe(batch.images.at(-1));
    expect(batch.targets[batch.labels[0]!]).toBeCloseTo(0.9, 6);
    const evaluating = new Loader({ ...config, training: false, batchTransforms: [mix] });
    await evaluating.batch(0, 0);
    expect(draws).toHaveLength(4);
  });

  test('label smoothing is refused outside of 0 … 1', () => {
    expect(() => labelSmoothing(1.5)).toThrow(/smoothing/);
  });

  test('another source of samples gives the same batches, in whatever order it prepares them', async () => {
    const trainTransforms = makeTransforms([
      { name: 'randomAffine', translate: 0.5 },
      { name: 'toyInvert' },
    ]);
    const own = new Loader({ ...config, trainTransforms });
    const asked: [number, number][] = [];
    // As a pool of workers would: the same pure function of (seed, epoch, index), asynchronously.
    const samples: SampleSource = {
      async prepare(index, epoch) {
        asked.push([index, epoch]);
        await new Promise((done) => setTimeout(done, index % 3));
        const rng = new Rng(4).split('transform', epoch, index);
        return trainTransforms.reduce(
          (image, t, i) => t(image, rng.split(i)),
          dataset.image(index),
        );
      },
    };
    const pooled = new Loader({ ...config, samples });
    expect(await pooled.batch(2, 1)).toEqual(await own.batch(2, 1));
    expect(asked).toHaveLength(8);
  });
});

describe('preprocessing', () => {
  const preprocessing = makePreprocessing({ size: [4, 4], normalize });

  test('has the defaults of before there was a choice, and survives JSON', () => {
    expect(preprocessing).toEqual({
      decode: 'display',
      cropMode: 'center',
      interpolation: 'bilinear',
      size: [4, 4],
      normalize,
    });
    expect(parsePreprocessing(JSON.parse(JSON.stringify(preprocessing)), 1)).toEqual(preprocessing);
  });

  test('center crops where squash does not', () => {
    const data = Uint8Array.from({ length: 32 }, (_, i) => (i % 8 < 2 ? 255 : 0));
    const image = { width: 8, height: 4, channels: 1, data } as const;
    const center = preprocessImage(image, preprocessing);
    expect([...center.picture.data]).toEqual(new Array(16).fill(0));
    expect(center.pixels[0]).toBeCloseTo(-1, 6);
    const squash = preprocessImage(image, { ...preprocessing, cropMode: 'squash' });
    expect(squash.picture.data[0]).toBeGreaterThan(200);
  });

  test('a file is decoded as the stored mode says', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'decode-'));
    try {
      const file = path.join(folder, 'transparent.png');
      const create = { width: 4, height: 4, channels: 4, background: '#00000000' } as const;
      await sharp({ create }).png().toFile(file);
      const levelOf = async (decode: 'display' | 'pil') => {
        const model = { preprocessing: { ...preprocessing, decode }, data: undefined };
        return (await openImage(file, model, () => undefined)).picture.data[0];
      };
      // A viewer shows it on white; Pillow drops the alpha of black.
      expect([await levelOf('display'), await levelOf('pil')]).toEqual([255, 0]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('travels with a model that is saved on its own', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'saved-'));
    try {
      const model = createModel('vit_tiny_patch16_224', {
        ...{ imageSize: 8, patchSize: 4, inChannels: 1, numClasses: 2 },
        ...{ embedDim: 12, depth: 1, numHeads: 2 },
      });
      const stored = { ...preprocessing, size: [8, 8], decode: 'pil' } as const;
      await saveModel(model, folder, { preprocessing: stored, classNames: ['dark', 'bright'] });
      const notes: string[] = [];
      const trained = await loadTrained(folder, (text) => notes.push(text));
      expect(trained.preprocessing).toEqual(stored);
      expect(trained.classNames).toEqual(['dark', 'bright']);
      expect(notes).toEqual([]);
      const loaded = await loadModel(folder);
      expect(loaded.config).toEqual(model.config);
      for (const each of [model, trained.model, loaded]) each.dispose();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.each([
    [{ decode: 'pill' }, /decode/],
    [{ cropMode: 'centre' }, /cropMode/],
    [{ interpolation: 'cubic' }, /interpolation/],
    [{ size: [4] }, /size/],
    [{ size: [4, 0] }, /size/],
    [{ normalize: { mean: [1], std: [0] } }, /std/],
    [{ normalize: undefined }, /mean and std/],
  ])('refuses %j', (change, message) => {
    expect(() => parsePreprocessing({ ...preprocessing, ...change }, 1)).toThrow(message);
  });
});
