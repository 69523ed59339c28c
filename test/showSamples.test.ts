// `tfjs-vit augment`: samples as training gets them, and what their transforms say they drew.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { imageIn } from '../lib/cli/showSamples.ts';
import { makeImage, type RgbImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { mixup } from '../lib/data/augment/mixup.ts';
import { randomErasing } from '../lib/data/augment/randomErasing.ts';
import { MemoryDataset } from '../lib/data/dataset.ts';
import { drawnText, type Drawn } from '../lib/data/drawNote.ts';
import { Loader } from '../lib/data/loader.ts';
import { applyTransforms } from '../lib/data/transform.ts';
import { makeTransforms } from '../lib/data/transformRegistry.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { tiny, vit, writeExperiment } from './support/cli.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'augment-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const normalize = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function dataset(count = 10): MemoryDataset {
  const rng = new Rng(1);
  return new MemoryDataset({
    images: Uint8Array.from({ length: count * 12 * 12 * 3 }, () => rng.integer(256)),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 2),
    imageShape: [12, 12, 3],
    classNames: ['a', 'b'],
  });
}

const steps = [
  { name: 'randomResizedCrop', height: 12, width: 12, interpolation: 'random' },
  { name: 'randomHorizontalFlip' },
  { name: 'randomVerticalFlip' },
  { name: 'randomCrop', height: 12, width: 12, padding: 2 },
  { name: 'autoAugment', policy: 'rand-m9-mstd0.5-inc1' },
  { name: 'colorJitter', brightness: 0.3, hue: 0.1 },
  { name: 'randomAffine', degrees: 10 },
  { name: 'randomElastic', strength: 0.3 },
];

function loaderOf(more: object = {}): Loader {
  return new Loader({
    dataset: dataset(),
    normalize,
    batchSize: 4,
    seed: 3,
    training: true,
    trainTransforms: makeTransforms(steps),
    ...more,
  });
}

describe('notes', () => {
  const batchTransforms = [
    randomErasing({ p: 0.9 }),
    mixup({ mixup: 0.8, cutmix: 1, mode: 'elem' }),
  ];

  test('change nothing of a batch', async () => {
    const plain = await loaderOf({ batchTransforms }).batch(1, 2);
    const noted = await loaderOf({ batchTransforms }).batch(1, 2, () => () => undefined);
    expect(noted).toEqual(plain);
  });

  test('come from every transform that draws, in the order of application', async () => {
    const drawn = new Map<number, Drawn[]>();
    const noteOf = (place: number) => (name: string, values: Drawn['values']) => {
      drawn.set(place, [...(drawn.get(place) ?? []), { name, values }]);
    };
    const loader = loaderOf({ batchTransforms });
    for (let step = 0; step < loader.steps; step += 1) await loader.batch(0, step, noteOf);
    const names = new Set([...drawn.values()].flat().map(({ name }) => name));
    for (const name of ['crop', 'flip', 'vertical flip', 'brightness', 'hue', 'randomAffine', 'randomElastic', 'erased', 'mixup', 'cutmix']) {
      expect(names).toContain(name);
    } // prettier-ignore
    expect([...names].some((name) => /^(Rotate|Shear|Translate|Color|Contrast|Solarize|Poster|Invert|Equalize|AutoC|Bright|Sharp)/.test(name))).toBe(true); // prettier-ignore
    for (const { values } of [...drawn.values()].flat()) {
      for (const value of Object.values(values)) expect(value).not.toBeNaN();
    }
  });

  test('say what was drawn: the box of a crop, and a flip', () => {
    const image = makeImage(
      4,
      2,
      3,
      Uint8Array.from({ length: 24 }, (_, i) => i),
    );
    for (let seed = 0; seed < 20; seed += 1) {
      const drawn: Drawn[] = [];
      const transforms = makeTransforms([
        { name: 'randomCrop', height: 1, width: 2 },
        { name: 'randomHorizontalFlip' },
      ]);
      const note = (name: string, values: Drawn['values']) => drawn.push({ name, values });
      const { data } = applyTransforms(image, transforms, new Rng(seed), note);
      const { x, y } = drawn[0]!.values as { x: number; y: number };
      const order = drawn.length === 2 ? [x + 1, x] : [x, x + 1];
      expect([...data]).toEqual(
        order.flatMap((column) => [0, 1, 2].map((c) => 3 * (4 * y + column) + c)),
      );
    }
  });

  test('read as a line', () => {
    expect(drawnText({ name: 'Rotate', values: { value: -12.3456 } })).toBe('Rotate -12.3');
    expect(drawnText({ name: 'flip', values: {} })).toBe('flip');
    expect(drawnText({ name: 'crop', values: { x: 1, filter: 'bicubic' } })).toBe(
      'crop x 1, filter bicubic',
    );
  });
});

test('shown pixels are those that the loader gives', async () => {
  const loader = loaderOf();
  const { dataset: images } = loader.config;
  for (let index = 0; index < images.length; index += 1) {
    const { step, place } = loader.placeOf(2, index)!;
    const batch = await loader.batch(2, step);
    expect(batch.indices[place]).toBe(index);
    const shown = imageIn(loader, batch, place);
    const rng = new Rng(3).split('transform', 2, index);
    const made = applyTransforms(images.image(index) as RgbImage, makeTransforms(steps), rng);
    expect([...shown.data]).toEqual([...made.data]);
  }
});

test('an epoch of repeated samples says which images it leaves out', () => {
  const loader = loaderOf({ repeats: 3 });
  const places = Array.from({ length: 10 }, (_, index) => loader.placeOf(0, index));
  expect(places.filter((place) => place !== undefined).length).toBeLessThan(10);
});

describe('the command', () => {
  // Twelve images of two classes, in batches of four.
  const experiment = () => {
    for (let i = 0; i < 12; i += 1) {
      const folder = path.join(root, 'images', String(i % 2));
      mkdirSync(folder, { recursive: true });
      const image = makeImage(5, 5, 3, new Uint8Array(75).fill(20 * i));
      writeFileSync(path.join(folder, `${i}.png`), encodePng(image));
    }
    return writeExperiment(path.join(root, 'tiny.json'), {
      model: { ...tiny.model, imageSize: 8, patchSize: 4, inChannels: 3, numClasses: 2 },
      data: {
        dataset: 'folder',
        folder: path.join(root, 'images'),
        trainTransforms: [{ name: 'randomAffine', degrees: 8 }],
      },
      batchSize: 4,
      valSplit: 0,
    });
  };

  test('draws the samples of a step, and tells each', async () => {
    const output = path.join(root, 'sheet.svg');
    const words = [
      'augment',
      '--config',
      experiment(),
      '--count',
      '3',
      '--show',
      '--output',
      output,
    ];
    const { code, out } = await vit(...words);
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^\d+ \d: randomAffine degrees -?[\d.]+, scale 1, shear/);
    expect(lines[3]).toBe(output);
    expect(readFileSync(output, 'utf8').match(/<image /g)).toHaveLength(3);
    const again = await vit('augment', '--config', experiment(), '--count', '3');
    expect(again.out.split('\n')).toEqual(lines.slice(0, 3));
    expect(existsSync('augment.png')).toBe(false);
  });

  test('counts steps over the run, and epochs for an image', async () => {
    const of = async (...words: string[]) =>
      (await vit('augment', '--config', experiment(), '--limit', '8', '--count', '2', ...words))
        .out;
    // Two updates an epoch.
    expect(await of('--step', '4')).toBe(await of('--epoch', '2', '--step', '2'));
    expect(await of('--step', '4')).not.toBe(await of('--step', '2'));
    const image = (await of('--index', '7')).split('\n');
    expect(image.map((line) => line.slice(0, 8))).toEqual(['epoch 1:', 'epoch 2:']);
    expect(await of('--index', '7', '--epoch', '2')).toContain(image[1]);
  });

  test('shows the samples of a run', async () => {
    const run = path.join(root, 'run');
    const flags = ['--max-steps', '1', '--workers', '0', '--output-dir', run];
    expect((await vit('train', '--config', experiment(), ...flags)).code).toBe(0);
    const { code, out } = await vit('augment', '--run', run, '--count', '2');
    expect([code, out.split('\n').length]).toEqual([0, 2]);
  });

  test.each([
    [['--index', '1', '--step', '2'], /no --step for --index/],
    [['--index', '999999'], /an image to train on/],
    [['--epoch', '1', '--step', '99999'], /the updates of an epoch/],
    [['--show', '--output', 'x.txt'], /\.png, \.svg/],
  ])('%j is refused', async (words, message) => {
    const { code, error } = await vit('augment', '--config', experiment(), ...words);
    expect(code).toBe(2);
    expect(error).toMatch(message);
  });

  test('needs data', async () => {
    const { code, error } = await vit('augment');
    expect(code).toBe(2);
    expect(error).toContain('--data-set NAME or --run DIR for augment, received none');
  });
});
