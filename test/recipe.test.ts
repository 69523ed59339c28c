// Augmentation by the options of timm and DeiT: the chains, their order, repeated augmentation, and the flags that set them.

import {
  augmentBatches,
  trainSteps,
  type AugmentInput,
} from '../lib/data/augment/createTransform.ts';
import { samplesInEpoch } from '../lib/data/repeats.ts';
import { Loader, makeTransforms, MemoryDataset, Rng, type RgbImage } from '../lib/index.ts';

const imagenet: AugmentInput = { size: [224, 224], mean: [0.485, 0.456, 0.406] };
const deit = {
  aa: 'rand-m9-mstd0.5-inc1',
  trainInterpolation: 'bicubic',
  colorJitter: 0.3,
  reprob: 0.25,
  remode: 'pixel',
  mixup: 0.8,
  cutmix: 1,
} as const;

describe('the chain of create_transform', () => {
  const names = (options: object, input = imagenet) =>
    trainSteps(options, input).map(({ name }) => name);

  test("DeiT's: crop, mirroring, policy, and no colour jitter", () => {
    expect(trainSteps(deit, imagenet)).toEqual([
      {
        name: 'randomResizedCrop',
        height: 224,
        width: 224,
        scale: [0.08, 1],
        ratio: [3 / 4, 4 / 3],
        interpolation: 'bicubic',
      },
      { name: 'randomHorizontalFlip', p: 0.5 },
      {
        name: 'autoAugment',
        policy: 'rand-m9-mstd0.5-inc1',
        interpolation: 'bicubic',
        fill: [124, 116, 104],
        translateConst: 100,
      },
    ]);
  });

  test('without a policy there is colour jitter, with one of the kind of 3-Augment both', () => {
    const plain = ['randomResizedCrop', 'randomHorizontalFlip'];
    expect(names({})).toEqual([...plain, 'colorJitter']);
    expect(names({ colorJitter: 0, hflip: 0 })).toEqual(['randomResizedCrop']);
    expect(names({ hflip: 0, vflip: 0.5 })[1]).toBe('randomVerticalFlip');
    expect(names({ aa: '3a' })).toEqual([...plain, 'autoAugment', 'colorJitter']);
    expect(names({ aa: 'none' })).toEqual([...plain, 'colorJitter']);
  });

  test('noAug resizes and crops the middle, and erases nothing', () => {
    expect(trainSteps({ noAug: true }, imagenet)).toEqual([
      { name: 'resize', size: 224, interpolation: 'bilinear' },
      { name: 'centerCrop', height: 224, width: 224 },
    ]);
    expect(augmentBatches({ noAug: true, reprob: 0.5 })).toHaveLength(0);
    expect(augmentBatches({ noAug: true, mixup: 0.5 })).toHaveLength(1);
  });

  test('3-Augment with the simple random crop is that of DeiT III', () => {
    const steps = trainSteps({ ...deit, threeAugment: true, src: true }, imagenet);
    expect(steps.map(({ name }) => name)).toEqual([
      'resize',
      'randomCrop',
      'randomHorizontalFlip',
      'autoAugment',
      'colorJitter',
    ]);
    expect(steps[1]).toMatchObject({ padding: 4, paddingMode: 'reflect' });
    expect(steps[3]).toMatchObject({ policy: '3a' });
    expect(augmentBatches({ ...deit, threeAugment: true })).toHaveLength(1);
  });

  test('an input of 32 pixels is cropped after a margin, and resized only if the images differ', () => {
    const input: AugmentInput = { size: [32, 32], mean: [0.5] };
    expect(names({ colorJitter: 0, hflip: 0 }, { ...input, imageShape: [32, 32, 1] })).toEqual([
      'randomCrop',
    ]);
    expect(names({ noAug: true }, { ...input, imageShape: [32, 32, 1] })).toEqual([]);
    expect(names({ colorJitter: 0, hflip: 0 }, { ...input, imageShape: [28, 28, 1] })).toEqual([
      'resize',
      'centerCrop',
      'randomCrop',
    ]);
  });

  test.each([
    [{ aa: 'nonsense' }, /^Expected one of .* for data\.augment\.aa, received "nonsense"/],
    [{ mixup: -1 }, /^Expected a finite number ≥ 0 .* for data\.augment\.mixup, received -1\.$/],
    [{ hflips: 1 }, /Did you mean hflip\?/],
    [{ evalCropRatio: 0 }, /evalCropRatio/],
  ])('%j is refused', (options, message) => {
    expect(() => trainSteps(options as object, imagenet)).toThrow(message);
  });

  test.each([1, 3] as const)(
    'every chain makes images of %i channels of the right size',
    (channels) => {
      const image: RgbImage = {
        width: 50,
        height: 37,
        channels,
        data: new Uint8Array(50 * 37 * channels).map((_, i) => (i * 7) % 256),
      };
      const mean = Array.from({ length: channels }, () => 0.5);
      for (const options of [deit, {}, { noAug: true }, { threeAugment: true, src: true }]) {
        for (const size of [
          [40, 40],
          [24, 24],
          [40, 48],
        ] as const) {
          const steps = makeTransforms(trainSteps(options, { size, mean }));
          const out = steps.reduce((current, step, i) => step(current, new Rng(3).split(i)), image);
          expect([out.height, out.width, out.channels]).toEqual([...size, channels]);
        }
      }
    },
  );
});

describe('repeated augmentation', () => {
  // Images of one pixel that say their index; the transform adds noise that says the copy.
  const dataset = new MemoryDataset({
    images: Uint8Array.from({ length: 600 }, (_, i) => i % 200),
    labels: new Int32Array(600),
    imageShape: [1, 1, 1],
    classNames: ['one', 'other'],
  });
  const noise = (image: RgbImage, rng: Rng): RgbImage => ({
    ...image,
    data: image.data.map(() => rng.integer(256)),
  });
  const config = {
    dataset,
    batchSize: 64,
    normalize: { mean: [0], std: [1] },
    training: true,
    trainTransforms: [noise],
  };

  test('an epoch has as many samples as images, rounded down to 256, of a third of the images', async () => {
    const loader = new Loader({ ...config, repeats: 3 });
    expect([samplesInEpoch(600, 3), loader.samplesInEpoch, loader.steps]).toEqual([512, 512, 8]);
    const batches = await Promise.all([...Array(8).keys()].map((step) => loader.batch(2, step)));
    const indices = batches.flatMap((batch) => [...batch.indices]);
    const pixels = batches.flatMap((batch) => [...batch.images]);
    expect(indices).toHaveLength(512);
    expect(new Set(indices).size).toBe(171);
    // The copies stand in a row, and each has noise of its own.
    expect(indices.slice(0, 6)).toEqual([0, 0, 0, 3, 3, 3].map((place) => indices[place]));
    expect(new Set(pixels.slice(0, 3)).size).toBeGreaterThan(1);
    const again = await loader.batch(2, 0);
    expect([...again.images]).toEqual(pixels.slice(0, 64));
  });

  test('the shards of a step together are the batch of one process', async () => {
    const whole = await new Loader({ ...config, repeats: 3 }).batch(0, 1);
    const parts = await Promise.all(
      [0, 1, 2].map((rank) =>
        new Loader({ ...config, repeats: 3, shard: { rank, size: 3 } }).batch(0, 1),
      ),
    );
    expect(parts.flatMap(({ images }) => [...images])).toEqual([...whole.images]);
  });

  test('one repeat is a plain epoch, and evaluation never repeats', async () => {
    const plain = await new Loader(config).batch(1, 3);
    expect(await new Loader({ ...config, repeats: 1 }).batch(1, 3)).toEqual(plain);
    expect(new Loader({ ...config, repeats: 3, training: false }).steps).toBe(10);
  });

  test('few images are not rounded away', () => {
    const images = { images: new Uint8Array(100), labels: new Int32Array(100) };
    const few = new MemoryDataset({ ...images, imageShape: [1, 1, 1], classNames: ['one'] });
    const loader = new Loader({ ...config, dataset: few, repeats: 3 });
    expect([loader.samplesInEpoch, loader.steps]).toEqual([100, 2]);
  });
});

test('erasing draws the number of its boxes up to recount', () => {
  const [erase] = augmentBatches({ reprob: 1, remode: 'const', recount: 3 });
  const size = 64;
  const images = new Float32Array(size * 32 * 32).fill(1);
  const batch = {
    size,
    images,
    imageShape: [32, 32, 1] as const,
    targets: new Float32Array(size),
    labels: new Int32Array(size),
    indices: Uint32Array.from({ length: size }, (_, i) => i),
  };
  erase!(batch, new Rng(1), { epoch: 0, step: 0 });
  const erased = Array.from({ length: size }, (_, i) =>
    images.subarray(i * 1024, (i + 1) * 1024).reduce((sum, value) => sum + (1 - value), 0),
  );
  expect(Math.max(...erased)).toBeGreaterThan(0);
  expect(Math.max(...erased)).toBeLessThanOrEqual(1024 / 3 + 64);
});
