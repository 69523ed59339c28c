// Progressive resolution: the images and position embeddings of each stage, resuming, workers, and what is refused.

import '@tensorflow/tfjs-backend-cpu';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { InputError } from '../lib/core/errors.ts';
import { fitImage } from '../lib/data/fitImage.ts';
import { Loader } from '../lib/data/loader.ts';
import { makePreprocessing } from '../lib/data/preprocessing.ts';
import type { Transform } from '../lib/data/transform.ts';
import { parseProgressive } from '../lib/training/parseProgressive.ts';
import { loaderOfEpoch, resolutionNotes, resolutionStages } from '../lib/training/progressive.ts';
import { train } from '../lib/training/trainer.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';
import { vit, writeExperiment } from './support/cli.ts';
import { runContent } from './support/runContent.ts';
import { config, data, MemoryStore, normalize, patterns, tinyModel } from './support/training.ts';

jest.setTimeout(120_000);
beforeAll(async () => {
  await tf.setBackend('cpu');
});

const brighter: Transform = (image, rng) => ({
  ...image,
  data: image.data.map((level) => Math.min(255, level + rng.integer(20))),
});
const preprocessing = makePreprocessing({ size: [8, 8], normalize });
const loaderOf = () =>
  new Loader({
    dataset: patterns(6),
    batchSize: 4,
    normalize: { mean: [0], std: [1 / 255] },
    training: true,
    trainTransforms: [brighter],
  });

describe('the stages', () => {
  test('have the batches of the full size, augmented as ever and then resized', async () => {
    const full = loaderOf();
    const stages = resolutionStages(full, { progressive: '1:4,3:8' }, { preprocessing });
    expect(stages.map(({ epoch }) => epoch)).toEqual([0, 1, 3]);
    expect([0, 2, 3, 9].map((epoch) => loaderOfEpoch(stages, epoch).config.outputShape[0])).toEqual(
      [8, 4, 8, 8],
    );
    expect(loaderOfEpoch(stages, 0)).toBe(full);
    expect(loaderOfEpoch(stages, 3)).toBe(full);
    const [large, small] = [await full.batch(2, 1), await loaderOfEpoch(stages, 2).batch(2, 1)];
    expect([small.indices, small.targets]).toEqual([large.indices, large.targets]);
    const size = { width: 4, height: 4 };
    for (let i = 0; i < large.size; i += 1) {
      const pixels = Uint8Array.from(large.images.subarray(i * 64, (i + 1) * 64), Math.round);
      const wanted = fitImage({ width: 8, height: 8, channels: 1, data: pixels }, size);
      const found = Uint8Array.from(small.images.subarray(i * 16, (i + 1) * 16), Math.round);
      expect([...found]).toEqual([...wanted.data]);
    }
    expect(resolutionNotes(stages, 3)).toEqual([
      'Training images grow: 8 × 8 from epoch 1, 4 × 4 from epoch 2, 8 × 8 from epoch 4.',
      'The size from epoch 4 never comes: the run has 3.',
    ]);
  });

  test('without steps there is one', () => {
    const full = loaderOf();
    const stages = resolutionStages(full, { progressive: null }, { preprocessing });
    expect(stages).toEqual([{ epoch: 0, loader: full }]);
    expect(resolutionNotes(stages, 3)).toEqual([]);
  });

  test('are read from a list and from a text', () => {
    const wanted = [
      { epoch: 0, imageSize: [16, 16] },
      { epoch: 5, imageSize: [24, 28] },
    ];
    expect(parseProgressive('0:16, 5:24x28', 'progressive')).toEqual(wanted);
    const list = [{ epoch: 0, imageSize: 16 }, wanted[1]];
    expect(parseProgressive(list, 'progressive')).toEqual(wanted);
  });

  test.each<[unknown, RegExp]>([
    ['16', /steps \{epoch, imageSize\}, or a text/],
    ['', /steps/],
    [[], /steps/],
    [[{ epoch: 0 }], /progressive\[0\]\.imageSize/],
    ['5:16,5:28', /≥ 6.* for progressive\[1\]\.epoch, received 5/],
    ['0:0', /progressive\[0\]\.imageSize, received 0/],
    [[{ epoch: 0.5, imageSize: 8 }], /progressive\[0\]\.epoch/],
  ])('%j is refused', (value, message) => {
    expect(() => parseProgressive(value, 'progressive')).toThrow(InputError);
    expect(() => parseProgressive(value, 'progressive')).toThrow(message);
  });
});

describe('a run', () => {
  const grown = {
    progressive: [
      { epoch: 0, imageSize: 4 },
      { epoch: 1, imageSize: 8 },
    ],
  };
  const run = async (
    changes: Partial<TrainConfig>,
    store = new MemoryStore(),
    resume?: MemoryStore,
  ) => {
    const model = tinyModel({ dynamicImageSize: true });
    const messages: string[] = [];
    const sinks = [{ message: (text: string) => messages.push(text) }];
    const env = { ...data, train: patterns(16), trainTransforms: [brighter], sinks };
    try {
      await train({ ...config, ...changes }, { ...env, store, resume, model });
    } finally {
      model.dispose();
    }
    return { store, messages };
  };

  test('that is stopped in any stage and resumed equals one that never stopped', async () => {
    const whole = await run(grown);
    expect(whole.messages).toContain(
      'Training images grow: 4 × 4 from epoch 1, 8 × 8 from epoch 2.',
    );
    const { store } = await run({ ...grown, maxSteps: 1 });
    await run({ ...grown, maxSteps: 3 }, store, store);
    await run(grown, store, store);
    expect(runContent(store)).toEqual(runContent(whole.store));
    const plain = await run({});
    expect(runContent(plain.store)['weights']).not.toEqual(runContent(store)['weights']);
    await expect(run({}, store, store)).rejects.toThrow(/progressive/);
  });

  test('of sizes that the model does not take is refused before anything is written', async () => {
    const store = new MemoryStore();
    await expect(run({ progressive: '0:6' }, store)).rejects.toThrow(/multiples of patchSize 4×4/);
    const fixed = tinyModel();
    const env = { ...data, store, model: fixed };
    await expect(train({ ...config, ...grown }, env)).rejects.toThrow(/received \[1, 4, 4, 1\]/);
    fixed.dispose();
    expect(store.commits).toEqual([]);
  });
});

describe('tfjs-vit train --progressive', () => {
  let folder: string;
  let logged: jest.SpyInstance;
  const home = process.cwd();
  beforeAll(() => {
    logged = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'progressive-')));
    process.chdir(folder);
  });
  afterAll(() => {
    logged.mockRestore();
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  });
  const small = ['--limit', '16', '--limit-val', '8', '--val-split', '0', '--threads', '1'];

  test('makes a model of it that takes several sizes, also from a checkpoint', async () => {
    const words = ['train', '--config', writeExperiment('a.json', { epochs: 2 }), ...small];
    const ran = await vit(...words, '--progressive', '0:14,1:28', '--output-dir', 'run');
    expect([ran.code, ran.error]).toEqual([0, expect.any(String)]);
    const stored = JSON.parse(readFileSync('run/config.json', 'utf8')) as object;
    expect(stored).toMatchObject({
      model: { dynamicImageSize: true, imageSize: [28, 28] },
      imageShape: [28, 28, 1],
      progressive: [
        { epoch: 0, imageSize: [14, 14] },
        { epoch: 1, imageSize: [28, 28] },
      ],
    });
    const tuned = ['train', '--config', writeExperiment('b.json', { model: undefined }), ...small];
    const from = ['--finetune', 'run', '--progressive', '0:14', '--input-size', '42'];
    const second = await vit(...tuned, ...from, '--output-dir', 'tuned');
    expect([second.code, second.error]).toEqual([
      0,
      expect.stringContaining('from 2×2 to 3×3 patches'),
    ]);
    const bad = await vit(...words, '--progressive', '0:15', '--output-dir', 'bad');
    expect([bad.code, existsSync('bad')]).toEqual([2, false]);
    expect(bad.error).toContain('multiples of patchSize 14×14');
  });

  test('and its samples are told beforehand in the sizes that they will have', async () => {
    const config = writeExperiment('c.json', { epochs: 3, progressive: '0:14,2:28' });
    const dry = await vit(
      'train',
      '--config',
      config,
      ...small,
      '--freeze',
      'patch_embed',
      '--dry-run',
    );
    expect([dry.code, dry.error]).toEqual([0, expect.any(String)]);
    expect(dry.out).toContain('Training images grow: 14 × 14 from epoch 1, 28 × 28 from epoch 3.');
    expect(dry.out).toMatch(/Training \d+ of \d+ tensors, .* the others are frozen\./);
    const { out, error } = await vit('augment', '--config', config, '--index', '3', '--count', '3');
    expect(error).not.toContain('Expected');
    expect(out.match(/epoch \d, \d+ × \d+/g)).toEqual([
      'epoch 1, 14 × 14',
      'epoch 2, 14 × 14',
      'epoch 3, 28 × 28',
    ]);
  });

  test('a dry run of a fine-tuning says what becomes of the checkpoint', async () => {
    const words = ['train', '--config', writeExperiment('d.json'), ...small];
    expect((await vit(...words, '--output-dir', 'source')).code).toBe(0);
    const model = { numClasses: 10, dropRate: 0.1 };
    const tuned = ['train', '--config', writeExperiment('e.json', { model }), ...small];
    const dry = await vit(...tuned, '--finetune', 'source', '--attn-only', '--dry-run');
    expect([dry.code, dry.error]).toEqual([0, expect.stringContaining('source')]);
    expect(dry.out).toMatch(/Training \d+ of \d+ tensors/);
  });
});
