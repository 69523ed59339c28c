// `tfjs-vit train` as DeiT's main.py: its flags and defaults, its data sets' names, evaluation, and what is refused.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { config as imagenet } from '../imagenet/config.ts';
import { config as mnist } from '../mnist/config.ts';
import { overridesOf, train } from '../lib/cli/commands/train.ts';
import { parseExperiment } from '../lib/cli/experiment.ts';
import { withOverrides } from '../lib/cli/experimentOverrides.ts';
import { parseArguments } from '../lib/cli/parseArguments.ts';
import { recipes } from '../lib/cli/recipes.ts';
import { datasetDescriptor } from '../lib/node.ts';
import { vit } from './support/cli.ts';

jest.setTimeout(120_000);

let root = '';
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'deit-'));
  for (const [part, count] of [
    ['train', 4],
    ['val', 2],
  ] as const) {
    for (const [k, name] of ['cat', 'dog'].entries()) {
      mkdirSync(path.join(root, 'data', part, name), { recursive: true });
      for (let i = 0; i < count; i += 1) {
        const create = {
          width: 60 + i,
          height: 50,
          channels: 3,
          background: { r: 200 * k, g: 40 * i, b: 9 },
        } as const;
        await sharp({ create })
          .png()
          .toFile(path.join(root, 'data', part, name, `${i}.png`));
      }
    }
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the flags of DeiT', () => {
  const of = (...words: string[]) => Object.fromEntries(overridesOf(parseArguments(words, train)));

  test('set the places of the config that they mean', () => {
    expect(of('--model', 'vit_tiny_16_224', '--input-size', '96', '--data-set', 'IMNET')).toEqual({
      'model.name': 'vit_tiny_16_224',
      'model.imageSize': 96,
      'data.dataset': 'IMNET',
    });
    expect(of('--bce-loss')).toEqual({ loss: 'binary', targetThreshold: 0 });
    expect(of('--no-bce-loss')).toEqual({ loss: 'softmax', targetThreshold: null });
    expect(of('--unscale-lr')).toEqual({ lrBaseSize: null });
    expect(of('--no_repeated_aug')).toEqual({ 'data.augment.augRepeats': 1 });
    expect(of('--repeated-aug')).toEqual({ 'data.augment.augRepeats': 3 });
    expect(of('--no-train-mode')).toMatchObject({ 'model.dropPathRate': 0, 'model.dropRate': 0 });
    expect(of('--ThreeAugment', '--src', '--no-aug')).toEqual({
      'data.augment.threeAugment': true,
      'data.augment.src': true,
      'data.augment.noAug': true,
    });
    expect(of('--opt-betas', '0.9', '0.95', '--cutmix-minmax', '0.2,0.8', '--dr', '0.5')).toEqual({
      'optimizer.betas': [0.9, 0.95],
      'data.augment.cutmixMinmax': [0.2, 0.8],
      'schedule.decayRate': 0.5,
    });
    expect(of('--aa', 'rand-m9-mstd0.5-inc1', '--color-jitter', '0.4', '--reprob=0')).toEqual({
      'data.augment.aa': 'rand-m9-mstd0.5-inc1',
      'data.augment.colorJitter': 0.4,
      'data.augment.reprob': 0,
    });
  });

  // Every flag of DeiT's main.py and of its launcher; those of distillation are elsewhere.
  const flags =
    'batch-size epochs bce-loss unscale-lr model input-size drop drop-path model-ema no-model-ema model-ema-decay ' +
    'model-ema-force-cpu opt opt-eps opt-betas clip-grad momentum weight-decay sched lr lr-noise-pct lr-noise-std warmup-lr ' +
    'min-lr decay-epochs warmup-epochs cooldown-epochs patience-epochs decay-rate dr color-jitter aa smoothing ' +
    'train-interpolation repeated-aug no-repeated-aug train-mode no-train-mode ThreeAugment src reprob remode recount resplit ' +
    'mixup cutmix cutmix-minmax mixup-prob mixup-switch-prob mixup-mode data-path data-set inat-category output_dir device seed ' +
    'resume start_epoch eval eval-crop-ratio dist-eval pin-mem no-pin-mem distributed world_size dist_url ngpus nodes timeout ' +
    'partition use_volta32 no-aug';

  test('are all known', () => {
    const known = Object.entries(train.flags).flatMap(([name, { aliases = [] }]) => [
      name,
      ...aliases,
    ]);
    const missing = flags
      .split(' ')
      .map((flag) => flag.replaceAll('_', '-'))
      .filter((flag) => !known.includes(flag) && !known.includes(flag.replace(/^no-/, '')));
    expect(missing).toEqual([]);
  });

  test('a model by its name takes the place of one by its sizes', () => {
    const given = withOverrides(mnist, new Map([['model.name', 'vit_tiny_16_224']]));
    expect(given['model']).toEqual({
      name: 'vit_tiny_16_224',
      inChannels: 1,
      numClasses: 10,
      weightInit: 'jax',
    });
    const named = withOverrides(recipes.deit, new Map([['model.name', 'vit_tiny_16_224']]));
    expect(named['model']).toEqual({ name: 'vit_tiny_16_224', dropPathRate: 0.1 });
  });
});

describe('recipes', () => {
  test.each(Object.entries(recipes))(
    '%s can be run, and its folder has its name',
    (name, recipe) => {
      expect(parseExperiment(recipe).name).toBe(name);
    },
  );

  test('the pages in imagenet and mnist are those of the library', () => {
    expect(imagenet).toEqual(recipes.deit);
    expect(mnist).toEqual(recipes.mnist);
  });
});

test.each([
  ['IMNET', 'ImageNet'],
  ['imagenet', 'ImageNet'],
  ['CIFAR', 'CIFAR100'],
  ['cifar10', 'CIFAR10'],
  ['CIFAR-10', 'CIFAR10'],
  ['MNIST', 'mnist'],
  ['fractaldb-1K', 'FractalDB-1k'],
])('the data set %s is %s', (word, name) => {
  expect(datasetDescriptor(word).name).toBe(name);
});

test("a folder in ImageNet's layout trains by DeiT's recipe, and is evaluated as DeiT does it", async () => {
  const run = path.join(root, 'run');
  const words = ['--data-set', 'IMNET', '--data-path', path.join(root, 'data')];
  const { code, error, out } = await vit(
    'train',
    ...words,
    ...['--model', 'test_vit', '--input-size', '48', '--batch-size', '4', '--epochs', '1'],
    '--no-report',
    ...[
      '--device',
      'cuda',
      '--pin-mem',
      '--dist_url',
      'env://',
      '--no-model-ema',
      '--backend',
      'cpu',
    ],
    ...['--output_dir', run],
  );
  expect([code, error]).toEqual([0, expect.stringContaining('8 images of 2 classes')]);
  expect(error.match(/Without meaning here: --device \(--backend chooses .*\)/)).toHaveLength(1);
  const stored = JSON.parse(readFileSync(path.join(run, 'config.json'), 'utf8')) as {
    model: Record<string, unknown>;
    preprocessing: object;
    data: object;
  };
  expect(stored.model).toMatchObject({ numClasses: 2, imageSize: [48, 48], dropPathRate: 0.1 });
  expect(stored.preprocessing).toMatchObject({ size: [48, 48], cropPct: 0.875, decode: 'pil' });
  expect(stored.data).toMatchObject({ dataset: 'ImageNet', augment: { augRepeats: 3 } });
  expect(out).toContain('epoch');

  const best = path.join(run, 'best_checkpoint.pth');
  const measured = await vit('train', '--eval', '--resume', best, ...words);
  expect(measured.out).toMatch(/images {2}4 of the validation part of ImageNet/);
  expect(measured.error).toContain('best_checkpoint.safetensors');
});

test('a dry run says what the run would be, and writes nothing', async () => {
  const run = path.join(root, 'dry');
  const { code, out } = await vit(
    'train',
    ...['--data-set', 'ImageNet', '--data-path', path.join(root, 'data'), '--output-dir', run],
    ...['--model', 'test_vit', '--input-size', '48', '--batch-size', '3', '--epochs', '4'],
    ...['--color-jitter', '0.4', '--dry-run'],
  );
  expect(code).toBe(0);
  expect(existsSync(run)).toBe(false);
  for (const line of [
    'model       test_vit: 48 × 48 × 3, 2 classes,',
    '8 images to train on, 4 to choose the best epoch on, no for a test',
    '8 samples of 3 images, 3 copies of each, 2 batches of 3, 2 updates',
    '4 epochs, 8 updates, 32 samples',
    'randomResizedCrop  height 48, width 48, scale 0.08 1',
    'random erasing  p 0.25, pixel',
    'shorter side to 54, bicubic, then 48 × 48 in the middle',
    'epoch 1  0.000001',
    'color-jitter has no effect, because a policy (aa) takes its place.',
    'The warm-up of 5 epochs is as long as the run of 4 epochs or longer',
    'an epoch sees 3 of 8 images, 3 times each',
    'dropLast leaves 2 of 8 samples out of each epoch.',
    'ends with 100 % of the initial weights',
  ]) {
    expect(out).toContain(line);
  }
});

test('a written FractalDB is read by the name of the data set, without a split, as in the book', async () => {
  const folder = path.join(root, 'data');
  const { code, out, error } = await vit(
    'train',
    ...['--recipe', 'fractaldb', '--data-set', 'FractalDB-1k', '--data-path', folder],
    ...['--model', 'test_vit', '--input-size', '48', '--batch-size', '4', '--no-aug', '--dry-run'],
  );
  expect([code, error]).toEqual([0, expect.stringContaining('8 images of 2 classes')]);
  expect(out).toContain('8 images to train on, no to choose the best epoch on');
  expect(out).toContain('mean 0.5 0.5 0.5, std 0.5 0.5 0.5');
  expect(out).toContain('the last epoch counts as the best');
});

describe('what cannot be used is refused in one line', () => {
  const data = () => ['--data-set', 'ImageNet', '--data-path', path.join(root, 'data')];
  test.each<[string, string[], RegExp]>([
    [
      'mixup below 0',
      ['--mixup', '-1'],
      /^Expected a finite number ≥ 0 .* for --mixup, received "-1"\.$/,
    ],
    [
      'an unknown policy',
      ['--aa', 'nonsense'],
      /^Expected one of .* for data\.augment\.aa, received "nonsense"/,
    ],
    [
      'a batch of more images than there are',
      ['--model', 'test_vit', '--batch-size', '100'],
      /^Expected at most 8, the number of images, for batchSize, received 100\.$/m,
    ],
    [
      'iNaturalist',
      ['--data-set', 'INAT'],
      /^Expected one of .*ImageNet.* for data\.dataset, received "INAT"/,
    ],
    ['a model that is none', ['--model', 'vit_tiny_17'], /vit_tiny_17/],
    ['cosub', ['--cosub'], /Cosub training is not there/],
    [
      'one beta',
      ['--opt-betas', '0.9'],
      /^Expected 2 finite numbers .* for --opt-betas, received "0\.9"/,
    ],
    [
      'a dry run of a run that goes on',
      ['--dry-run', '--resume', 'x'],
      /^Expected no --resume for --dry-run/,
    ],
    ['evaluation of nothing', ['--eval'], /^Expected --resume FILE for --eval/],
    ['an unknown recipe', ['--recipe', 'deit4'], /Did you mean deit\?|Did you mean deit3\?/],
  ])('%s', async (_, words, message) => {
    const own = words.includes('--data-set') ? [] : data();
    const run = path.join(root, 'refused');
    const { code, error } = await vit(
      'train',
      ...own,
      ...words,
      '--backend',
      'cpu',
      '--output-dir',
      run,
    );
    expect([code, error.split('\n').at(-1)]).toEqual([2, expect.stringMatching(message)]);
  });

  test('nothing to train', async () => {
    const { code, error } = await vit('train', '--epochs', '1');
    expect([code, error]).toEqual([2, expect.stringMatching(/--config FILE, --recipe NAME/)]);
  });
});
