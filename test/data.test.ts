import { InputError } from '../lib/core/errors.ts';
import { Rng, philox } from '../lib/core/rng.ts';
import { labelSmoothing } from '../lib/data/batchTransform.ts';
import { MemoryDataset, subset } from '../lib/data/dataset.ts';
import { Loader } from '../lib/data/loader.ts';
import { MNIST_NORMALIZATION, normalizeInto } from '../lib/data/normalize.ts';
import { prefetch } from '../lib/data/prefetch.ts';
import { randomAffine, warpAffine } from '../lib/data/randomAffine.ts';

function dataset(count: number): MemoryDataset {
  const rng = new Rng(7);
  const images = Uint8Array.from({ length: count * 64 }, () => rng.integer(256));
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  return new MemoryDataset({ images, labels, imageShape: [8, 8, 1], classNames: ['a', 'b', 'c'] });
}

test.each([-1, 2, 0.5, NaN])('a data set in memory has no image %p of 2', (index) => {
  const images = new Uint8Array(8);
  const classNames = ['a', 'b'];
  const two = new MemoryDataset({ images, labels: [0, 1], imageShape: [2, 2, 1], classNames });
  expect(() => two.image(index)).toThrow('index of');
  expect(() => two.label(index)).toThrow('index of');
});

test('a stream is split by numbers and texts alone', () => {
  expect(() => new Rng(1).split(null as never)).toThrow(InputError);
});

describe('Rng', () => {
  test('Philox gives the published known answers', () => {
    const out = new Uint32Array(4);
    philox(0, 0, 0, 0, 0, 0, out);
    expect([...out]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    philox(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, out);
    expect([...out]).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
  });

  test('a stream depends on its keys alone', () => {
    const parent = new Rng(0);
    const before = parent.split(3, 'crop').uniform();
    parent.uniform();
    expect(parent.split(3, 'crop').uniform()).toBe(before);
    const others = [
      parent.split(4, 'crop'),
      parent.split(3, 'flip'),
      parent.split('crop', 3),
      new Rng(1).split(3, 'crop'),
      new Rng(2 ** 32).split(3, 'crop'),
    ];
    for (const other of others) expect(other.uniform()).not.toBe(before);
  });

  test('moments and ranges are those of the distributions', () => {
    const rng = new Rng(5);
    let [sum, squares] = [0, 0];
    const n = 40_000;
    for (let i = 0; i < n; i += 1) {
      const x = rng.normal();
      sum += x;
      squares += x * x;
    }
    expect(Math.abs(sum / n)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(squares / n - 1)).toBeLessThan((5 * Math.SQRT2) / Math.sqrt(n));
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 6000; i += 1) counts[rng.integer(6)]! += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect([...rng.permutation(50)].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
  });

  test.each([-1, 1.5, NaN, 2 ** 53])('refuses the seed %p', (seed) => {
    expect(() => new Rng(seed)).toThrow(InputError);
  });
});

describe('Loader', () => {
  const config = {
    dataset: dataset(50),
    batchSize: 8,
    seed: 3,
    training: true,
    normalize: MNIST_NORMALIZATION,
    trainTransforms: [randomAffine({ degrees: 20, translate: 0.1, scale: [0.8, 1.2], shear: 5 })],
  };

  test('a batch is a pure function of seed, epoch and step', async () => {
    const first = new Loader(config);
    const second = new Loader(config);
    await second.batch(9, 4);
    expect(await second.batch(2, 3)).toEqual(await first.batch(2, 3));
    expect((await first.batch(3, 3)).indices).not.toEqual((await first.batch(2, 3)).indices);
    const reseeded = await new Loader({ ...config, seed: 4 }).batch(2, 3);
    expect(reseeded.indices).not.toEqual((await first.batch(2, 3)).indices);
  });

  test('an epoch holds every image once, the last batch the rest', async () => {
    const loader = new Loader(config);
    expect(loader.steps).toBe(7);
    const seen: number[] = [];
    for await (const batch of prefetch(loader, 0)) seen.push(...batch.indices);
    expect(seen.sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect((await loader.batch(0, 6)).size).toBe(2);
    expect(new Loader({ ...config, dropLast: true }).steps).toBe(6);
  });

  test('prefetch gives the same batches as asking, from any step, and passes an error on', async () => {
    const loader = new Loader(config);
    let step = 4;
    for await (const batch of prefetch(loader, 1, { from: 4, depth: 3 })) {
      expect(batch).toEqual(await new Loader(config).batch(1, step));
      step += 1;
    }
    expect(step).toBe(7);
    const broken = Object.assign(Object.create(config.dataset) as MemoryDataset, {
      image: () => Promise.reject(new Error('bad sector')),
    });
    const run = async () => {
      for await (const batch of prefetch(new Loader({ ...config, dataset: broken }), 0)) void batch;
    };
    await expect(run()).rejects.toThrow('bad sector');
  });

  test('smoothed targets sum to 1', async () => {
    const { targets, labels } = await new Loader({
      ...config,
      batchTransforms: [labelSmoothing(0.1)],
    }).batch(0, 0);
    labels.forEach((label, i) => {
      const row = targets.subarray(i * 3, i * 3 + 3);
      expect(row.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 6);
      expect(row[label]).toBeCloseTo(0.9 + 0.1 / 3, 6);
    });
  });

  test.each([
    ['batchSize', { batchSize: 0 }],
    ['batchSize', { batchSize: 51 }],
    ['the data set', { dataset: dataset(0) }],
    ['mean and std', { normalize: { mean: [0, 0], std: [1, 1] } }],
  ])('refuses a bad %s', (name, change) => {
    expect(() => new Loader({ ...config, ...change })).toThrow(name);
  });
});

describe('images', () => {
  test('the identity map keeps every pixel, a whole shift moves them', () => {
    const image = dataset(1).image(0);
    expect(warpAffine(image, [1, 0, 0, 0, 1, 0]).data).toEqual(image.data);
    const shifted = warpAffine(image, [1, 0, 2, 0, 1, 0], 9);
    expect(shifted.data[0]).toBe(image.data[2]);
    expect(shifted.data[7]).toBe(9);
  });

  test('a quarter turn four times is the identity', () => {
    let image = dataset(1).image(0);
    const start = image.data;
    for (let turn = 0; turn < 4; turn += 1) image = warpAffine(image, [0, 1, 0, -1, 0, 7]);
    expect(image.data).toEqual(start);
  });

  test('no range leaves the image as it is', () => {
    const image = dataset(1).image(0);
    expect(randomAffine({})(image, new Rng(1)).data).toEqual(image.data);
    expect(() => randomAffine({ degrees: -1 })).toThrow(InputError);
    expect(() => randomAffine({ scale: [0, 1] })).toThrow(InputError);
  });

  test('normalisation follows its formula', () => {
    const out = new Float32Array(65);
    const image = dataset(1).image(0);
    normalizeInto(image, MNIST_NORMALIZATION, out, 1);
    expect(out[11]).toBeCloseTo((image.data[10]! / 255 - 0.1307) / 0.3081, 6);
  });
});

test('a data set whose names are no match for its classes is refused', () => {
  const dataset = {
    length: 2,
    numClasses: 2,
    classNames: ['a', 'b'],
    imageShape: [1, 1, 1] as const,
    image: () => ({ width: 1, height: 1, channels: 1 as const, data: new Uint8Array(1) }),
    label: () => 0,
  };
  const make = (classNames: string[]) => () =>
    new Loader({
      dataset: { ...dataset, classNames },
      batchSize: 1,
      normalize: { mean: [0], std: [1] },
    });
  expect(make(['a', 'b'])).not.toThrow();
  expect(make(['a'])).toThrow(/2 names, one for each class/);
});

test('a subset takes images by index, also more than once, and refuses an index that is not there', () => {
  const dataset = new MemoryDataset({
    images: Uint8Array.from({ length: 8 }, (_, i) => 30 * i),
    labels: [0, 1],
    imageShape: [2, 2, 1],
    classNames: ['a', 'b'],
  });
  const part = subset(dataset, [1, 0, 1]);
  expect([0, 1, 2].map((i) => part.label(i))).toEqual([1, 0, 1]);
  expect(part.image(2)).toEqual(dataset.image(1));
  expect(() => subset(dataset, [0, 2])).toThrow(/^Expected an index from 0 to 1 for indices\[1\]/);
});
