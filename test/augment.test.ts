import path from 'node:path';
import { makeImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { autoAugment } from '../lib/data/augment/autoAugment.ts';
import { colorJitter } from '../lib/data/augment/colorJitter.ts';
import { mixup } from '../lib/data/augment/mixup.ts';
import { applyOp } from '../lib/data/augment/ops.ts';
import { parsePolicy } from '../lib/data/augment/policy.ts';
import { randomCrop, randomResizedCrop } from '../lib/data/augment/randomCrops.ts';
import { randomErasing } from '../lib/data/augment/randomErasing.ts';
import { labelSmoothing } from '../lib/data/batchTransform.ts';
import { makeTransforms } from '../lib/data/transformRegistry.ts';
import { findCases } from '../lib/parity/findCases.ts';
import { runCase } from '../lib/parity/run.ts';
import type { RgbImage } from '../lib/core/image.ts';
import type { Batch } from '../lib/data/batch.ts';

const goldens = path.resolve(import.meta.dirname, 'goldens/augment');

function picture(width = 24, height = 18, channels: 1 | 3 = 3): RgbImage {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (i * 37 + 11) % 256,
  );
  return makeImage(width, height, channels, data);
}

/** A batch in which sample i has pixels of the value i and the class i % K. */
function batchOf(size: number, [H, W, C]: [number, number, number] = [6, 8, 3], K = 4): Batch {
  const images = Float32Array.from({ length: size * H * W * C }, (_, i) =>
    Math.floor(i / (H * W * C)),
  );
  const labels = Int32Array.from({ length: size }, (_, i) => i % K);
  const targets = new Float32Array(size * K);
  labels.forEach((label, i) => (targets[i * K + label] = 1));
  const indices = Uint32Array.from({ length: size }, (_, i) => i);
  return { size, images, imageShape: [H, W, C], targets, labels, indices };
}

const at = { epoch: 0, step: 0 };

describe('goldens of Pillow, timm, torchvision and transformers', () => {
  test.each(findCases([goldens]).map((folder) => [path.basename(folder), folder]))(
    '%s',
    async (_, folder) => {
      const { entries } = await runCase(folder);
      expect(entries.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
      expect(entries.length).toBeGreaterThan(0);
    },
  );
});

describe('policies', () => {
  test.each([
    'nonsense',
    'rand',
    'rand-m9-q3',
    'rand-m',
    'rand-m9-m9',
    'rand-p1.5',
    'rand-n0',
    'rand-n16-tweights',
    'rand-tcolour',
    'rand-w3',
    'original-m9',
    '',
    'constructor',
  ])('of "%s"', (text) => {
    if (text === 'rand') expect(parsePolicy(text)).toMatchObject({ kind: 'random', count: 2 });
    else expect(() => parsePolicy(text)).toThrow(/^Expected .+ for aa, received /);
  });

  test('an image is a function of its stream alone, and of its own size and kind', () => {
    for (const channels of [1, 3] as const) {
      const image = picture(24, 18, channels);
      for (const policy of [
        'rand-m9-mstd0.5-inc1',
        'original',
        'v0r',
        '3a',
        'rand-m8-inc1-tweights',
      ]) {
        const transform = autoAugment({ policy });
        const [a, b] = [1, 1].map(() => transform(image, new Rng(7).split(3)));
        expect(a).toEqual(b);
        expect(a).toMatchObject({ width: 24, height: 18, channels });
      }
    }
    expect([...picture().data]).toEqual([...picture().data]);
  });

  test('RandAugment draws its operations alike, and applies each with its probability', () => {
    // Inverting twice gives the image again: an image stays if none or both of two operations were applied.
    const transform = autoAugment({ policy: 'rand-n1-m10-p0.5' });
    const flat = makeImage(2, 2, 3, new Uint8Array(12).fill(200));
    const n = 10_000;
    const changed = Array.from(
      { length: n },
      (_, i) => transform(flat, new Rng(1).split(i)).data[0] !== 200,
    );
    // Few of the 15 operations change a flat light image's first pixel at magnitude 10: Invert, Posterize (to 4 bits), Brightness, and a
    // corner that Rotate fills. Solarize's threshold is 256 there.
    const share = changed.filter(Boolean).length / n;
    const changing = ['Invert', 'Posterize', 'Brightness', 'Rotate', 'TranslateXRel', 'TranslateYRel', 'ShearX', 'ShearY'] as const; // prettier-ignore
    expect(share).toBeGreaterThan((0.5 * 3) / 15 - 0.02);
    expect(share).toBeLessThan((0.5 * changing.length) / 15 + 0.02);
  });

  test('a higher magnitude changes more where the policy says so', () => {
    const image = picture(32, 32);
    const change = (policy: string) => {
      const transform = autoAugment({ policy });
      const sums = Array.from({ length: 200 }, (_, i) => {
        const { data } = transform(image, new Rng(2).split(i));
        return data.reduce((sum, v, k) => sum + Math.abs(v - image.data[k]!), 0);
      });
      return sums.reduce((a, b) => a + b, 0);
    };
    expect(change('rand-m10-inc1')).toBeGreaterThan(1.2 * change('rand-m2-inc1'));
  });
});

describe('crops', () => {
  test.each([
    [1, 2000],
    [2000, 1],
    [1, 1],
    [3, 2],
  ])('randomResizedCrop of %i × %i has at least one pixel', (width, height) => {
    const transform = randomResizedCrop({ width: 5, height: 4 });
    for (let i = 0; i < 50; i += 1) {
      const { width: w, height: h } = transform(picture(width, height), new Rng(0).split(i));
      expect([w, h]).toEqual([5, 4]);
    }
  });

  test('randomCrop with a reflected margin shows only the image’s own levels', () => {
    const image = makeImage(
      6,
      6,
      1,
      Uint8Array.from({ length: 36 }, (_, i) => 100 + i),
    );
    const transform = randomCrop({ width: 6, height: 6, padding: 4, paddingMode: 'reflect' });
    const black = randomCrop({ width: 6, height: 6, padding: 4 });
    const least = (make: typeof transform) =>
      Math.min(
        ...Array.from({ length: 30 }, (_, i) => Math.min(...make(image, new Rng(0).split(i)).data)),
      );
    expect(least(transform)).toBeGreaterThanOrEqual(100);
    expect(least(black)).toBe(0);
  });

  test('a small image is padded to the size of the crop', () => {
    expect(randomCrop({ width: 9, height: 7 })(picture(3, 2), new Rng(0))).toMatchObject({
      width: 9,
      height: 7,
    });
  });
});

describe('batches', () => {
  test.each(['batch', 'pair', 'elem'] as const)(
    'mixup in mode %s keeps sums, also of odd batches',
    (mode) => {
      for (const size of [1, 2, 3, 7, 8]) {
        const batch = labelSmoothing(0.1)(batchOf(size), new Rng(0), at);
        const mixed = mixup({ mode })(batch, new Rng(size), at);
        for (let i = 0; i < size; i += 1) {
          const row = mixed.targets.subarray(i * 4, i * 4 + 4);
          expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        }
      }
    },
  );

  test('the target of cutmix is the area that was pasted', () => {
    for (let i = 0; i < 200; i += 1) {
      const options = { mixup: 0, cutmix: 1, mode: 'elem' } as const;
      const cut = mixup(i % 2 === 0 ? options : { ...options, cutmixMinmax: [0.2, 0.8] });
      // Sample 0 has zeros and class 0, sample 1 ones and class 1.
      const { images, targets } = cut(batchOf(2), new Rng(9).split(i), at);
      const pasted = images.subarray(0, 144).reduce((a, b) => a + b, 0) / 144;
      expect(targets[1]).toBeCloseTo(pasted, 5);
      expect(targets[0]).toBeCloseTo(1 - pasted, 5);
    }
  });

  test('λ of mixup is of Beta(α, α), and cutmix takes its share', () => {
    const n = 10_000;
    const drawn = Array.from({ length: n }, (_, i) => {
      const { images } = mixup({ mixup: 0.8, cutmix: 0 })(
        batchOf(2, [1, 1, 3]),
        new Rng(4).split(i),
        at,
      );
      return images[3]!;
    });
    const mean = drawn.reduce((a, b) => a + b, 0) / n;
    const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    expect(mean).toBeCloseTo(0.5, 1);
    // Beta(α, α) has the variance 1 / (4 (2 α + 1)).
    expect(Math.abs(variance - 1 / (4 * 2.6))).toBeLessThan(0.004);
  });

  test('mixing ends at its epoch', () => {
    const mix = mixup({ offEpoch: 3 });
    expect(mix(batchOf(2), new Rng(1), { epoch: 3, step: 0 }).images).toEqual(batchOf(2).images);
    expect(mix(batchOf(2), new Rng(1), { epoch: 2, step: 0 }).images).not.toEqual(
      batchOf(2).images,
    );
  });

  test('random erasing depends on a sample’s index and not on its place in the batch', () => {
    const erase = randomErasing({ p: 1, mode: 'pixel' });
    const whole = erase(batchOf(4, [16, 16, 3]), new Rng(5), at).images;
    const one = batchOf(4, [16, 16, 3]);
    const pixels = 16 * 16 * 3;
    const last = {
      ...batchOf(1, [16, 16, 3]),
      images: one.images.slice(3 * pixels),
      indices: Uint32Array.of(3),
    };
    expect(erase(last, new Rng(5), at).images).toEqual(whole.slice(3 * pixels));
    const twice = { ...batchOf(2, [16, 16, 3]), indices: Uint32Array.of(3, 3) };
    const { images } = erase({ ...twice, images: new Float32Array(2 * pixels) }, new Rng(5), at);
    expect(images.slice(0, pixels)).not.toEqual(images.slice(pixels));
  });

  test.each([
    { mixup: -1 },
    { mixup: 0, cutmix: 0 },
    { prob: 2 },
    { mode: 'all' },
    { cutmixMinmax: [0.8, 0.2] },
  ])('mixup refuses %j', (options) => expect(() => mixup(options as never)).toThrow(/^Expected /));
});

test('steps of a config make these transforms', () => {
  const steps = [
    { name: 'randomResizedCrop', height: 8, width: 8, interpolation: 'bicubic' },
    { name: 'randomHorizontalFlip' },
    { name: 'randomVerticalFlip', p: 1 },
    { name: 'colorJitter', brightness: 0.3, hue: 0.1 },
    { name: 'autoAugment', policy: 'rand-m9-mstd0.5-inc1', fill: [124, 116, 104] },
    { name: 'resize', size: 10, side: 'longer' },
    { name: 'centerCrop', height: 8, width: 9 },
    { name: 'randomCrop', height: 7, width: 7, padding: 2, paddingMode: 'reflect' },
  ];
  const image = makeTransforms(steps).reduce<RgbImage>(
    (current, make, i) => make(current, new Rng(i)),
    picture(),
  );
  expect(image).toMatchObject({ width: 7, height: 7, channels: 3 });
  expect(() => makeTransforms([{ name: 'autoAugment', policy: 'rand-x' }])).toThrow(/policy/);
});

test('an operation of a grey image leaves its channels', () => {
  for (const op of [
    'Color',
    'Rotate',
    'GaussianBlur',
    'Sharpness',
    'Equalize',
    'Desaturate',
  ] as const) {
    const result = applyOp(op, picture(9, 9, 1), 0.5, { filter: 'bicubic', fill: [128] });
    expect(result).toMatchObject({ width: 9, height: 9, channels: 1 });
  }
  const jitter = colorJitter({ brightness: 0.5, saturation: 0.5, hue: 0.5 });
  expect(jitter(picture(9, 9, 1), new Rng(0))).toMatchObject({ channels: 1 });
});
