// Distillation in the trainer: the loss, the teacher's view of the images, stored logits, resuming, and what is refused.

import '@tensorflow/tfjs-backend-cpu';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { mixup } from '../lib/data/augment/mixup.ts';
import { Loader } from '../lib/data/loader.ts';
import type { Transform } from '../lib/data/transform.ts';
import { distilledClassification } from '../lib/training/distilledClassification.ts';
import { distillationLoss } from '../lib/training/losses/distillation.ts';
import { cachedTeacher } from '../lib/training/teacherCache.ts';
import { modelTeacher, type Teacher } from '../lib/training/teacher.ts';
import { train } from '../lib/training/trainer.ts';
import type { TrainEnv } from '../lib/training/run.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';
import { vit, writeExperiment } from './support/cli.ts';
import { runContent } from './support/runContent.ts';
import {
  config,
  data,
  MemoryStore,
  normalize,
  patterns,
  tinyModel,
  Toy,
} from './support/training.ts';

jest.setTimeout(120_000);

let master: Toy;
beforeAll(async () => {
  await tf.setBackend('cpu');
  master = new Toy();
  master.weight.assign(tf.randomNormal([64, 4], 0, 0.3, 'float32', 5));
});
afterAll(() => master.dispose());

const shift: Transform = (image, rng) => ({
  ...image,
  data: image.data.map((level) => Math.min(255, level + rng.integer(20))),
});
const augmentation = { trainTransforms: [shift], batchTransforms: [mixup({ mixup: 0.8 })] };
const taught: Partial<TrainConfig> = { distillation: { type: 'soft', tau: 2 }, smoothing: 0 };

/** A run of a toy that learns from a teacher. */
async function run(
  teacher: Teacher | undefined,
  changes: Partial<TrainConfig> = {},
  more: Partial<TrainEnv> = {},
) {
  const store = (more.store ?? new MemoryStore()) as MemoryStore;
  const model = more.model ?? new Toy();
  try {
    const env = { ...data, train: patterns(20), ...augmentation, ...more, store, model, teacher };
    await train({ ...config, ...taught, ...changes }, env);
  } finally {
    model.dispose();
  }
  return store;
}

describe('the task', () => {
  const loaderOf = () =>
    new Loader({ dataset: patterns(6), batchSize: 6, normalize, training: true });

  test.each([
    ['hard', false],
    ['soft', false],
    ['soft', true],
  ] as const)(
    '%s, a distilled model: %s, is DeiT’s loss with the logits of the teacher',
    async (type, distilled) => {
      const student = tinyModel({
        distilled,
        dropRate: 0,
        posDropRate: 0,
        projDropRate: 0,
        attnDropRate: 0,
        dropPathRate: 0,
      });
      const how = { type, alpha: 0.3, tau: 2 };
      const teacher = modelTeacher(master);
      const task = distilledClassification({ teacher, ...how });
      const loader = loaderOf();
      task.assertFits(student, loader, {});
      const batch = await loader.batch(0, 0);
      const ready = await task.prepare!(batch, { epoch: 0, step: 0 }, { precision: 'fp32' });
      const [found, wanted] = tf.tidy(() => {
        const images = tf.tensor4d(batch.images, [6, 8, 8, 1]);
        const logits = master.forward(images);
        expect([...ready.teacherLogits!]).toEqual([...logits.dataSync()]);
        const one = () => ({ cls: student.forward(images), dist: student.forward(images) });
        const heads = distilled ? student.forwardDistilled(images) : one();
        const targets = tf.tensor2d(batch.targets, [6, 4]);
        const { loss } = task.loss(student, ready, { training: true });
        return [loss.dataSync()[0]!, distillationLoss(heads, targets, logits, how).dataSync()[0]!];
      });
      expect(found).toBe(wanted);
      student.dispose();
    },
  );

  test('leaves no tensor behind, and the teacher as it was', async () => {
    const weights = master.weight.dataSync().slice();
    const before = tf.memory().numTensors;
    await run(modelTeacher(master), { maxSteps: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(master.weight.dataSync()).toEqual(weights);
  });
});

test('a teacher sees the images with its own normalisation, size and channels', async () => {
  const teacher = tinyModel({ imageSize: 16, inChannels: 3, numClasses: 4 });
  const own = { mean: [0.5, 0.4, 0.3], std: [0.5, 0.25, 0.2] };
  const seen = modelTeacher(teacher, { size: [16, 16], normalize: own });
  const loader = new Loader({ dataset: patterns(3), batchSize: 3, normalize, training: true });
  seen.assertFits(loader);
  const batch = await loader.batch(0, 0);
  const logits = await seen.logits(batch, { epoch: 0, step: 0 }, { precision: 'fp32' });
  const wanted = tf.tidy(() => {
    const raw = tf
      .tensor4d(batch.images, [3, 8, 8, 1])
      .mul(normalize.std[0]!)
      .add(normalize.mean[0]!);
    const colours = tf.concat([raw, raw, raw], 3).sub(tf.tensor(own.mean)).div(tf.tensor(own.std));
    const large = tf.image.resizeBilinear(colours as tf.Tensor4D, [16, 16], false, true);
    return teacher.forward(large).dataSync();
  });
  wanted.forEach((value, i) => expect(logits[i]).toBeCloseTo(value, 4));
  teacher.dispose();
});

describe('stored logits', () => {
  const key = { augment: 'shift' };
  const logits = new MemoryStore();
  let live: ReturnType<typeof runContent>;
  beforeAll(async () => {
    live = runContent(await run(modelTeacher(master)));
    await run(cachedTeacher({ store: logits, key, teacher: modelTeacher(master) }));
  });

  test('are a file an epoch, and give the bytes of the live teacher, with it and without', async () => {
    expect([...logits.files.keys()]).toEqual([
      'epoch-00001.safetensors',
      'epoch-00002.safetensors',
    ]);
    const stored = cachedTeacher({ store: logits, key, teacher: undefined });
    // The state names the teacher, which is not known here.
    const { state: _, ...learnt } = live;
    expect(runContent(await run(stored))).toMatchObject(learnt);
    // A teacher that would be noticed is not asked.
    const other: Teacher = {
      ...modelTeacher(master),
      logits: () => Promise.reject(new Error('asked')),
    };
    expect(runContent(await run(cachedTeacher({ store: logits, key, teacher: other })))).toEqual(
      live,
    );
  });

  test('serve another student', async () => {
    const student = () => tinyModel();
    const [a, b] = [
      await run(modelTeacher(master), { maxSteps: 2 }, { model: student() }),
      await run(
        cachedTeacher({ store: logits, key, teacher: undefined }),
        { maxSteps: 2 },
        { model: student() },
      ),
    ];
    expect(a!.files.get('checkpoint.safetensors')).toEqual(b!.files.get('checkpoint.safetensors'));
  });

  test('of a run that is stopped within an epoch are those of the epochs that were whole', async () => {
    const [store, kept] = [new MemoryStore(), new MemoryStore()];
    const teacher = () => cachedTeacher({ store: kept, key, teacher: modelTeacher(master) });
    await run(teacher(), { maxSteps: 2 }, { store });
    await run(teacher(), {}, { store, resume: store });
    expect(runContent(store)).toEqual(live);
    expect([...kept.files.keys()]).toEqual(['epoch-00002.safetensors']);
    expect(kept.files.get('epoch-00002.safetensors')).toEqual(
      logits.files.get('epoch-00002.safetensors'),
    );
  });

  test.each<[string, Partial<TrainConfig>, unknown, Partial<TrainEnv>, RegExp]>([
    ['another seed', { seed: 6 }, key, {}, /seed: 5 → 6/],
    ['another batch', { batchSize: 10 }, key, {}, /batchSize: 8 → 10/],
    ['another augmentation', {}, { augment: 'none' }, {}, /key\.augment: "shift" → "none"/],
    ['other images', {}, key, { train: patterns(20, 9) }, /images: "/],
    ['another precision', { precision: 'bf16' }, key, {}, /precision: "fp32" → "bf16"/],
    ['more epochs than there are', { epochs: 3 }, key, {}, /the logits of epoch 3.*--teacher-path/],
  ])('of %s are refused', async (_, changes, own, more, message) => {
    const teacher = cachedTeacher({ store: logits, key: own, teacher: undefined });
    await expect(run(teacher, changes, more)).rejects.toThrow(message);
  });

  test('of another teacher are refused', async () => {
    const teacher = modelTeacher(master, { fingerprint: 'another' });
    const mixed = cachedTeacher({ store: logits, key, teacher });
    await expect(run(mixed)).rejects.toThrow(/teacher: "" → "another"/);
  });
});

describe('a run', () => {
  test('that is stopped and resumed equals one that never stopped, and goes on with no other teacher', async () => {
    const whole = await run(modelTeacher(master));
    const store = new MemoryStore();
    await run(modelTeacher(master), { maxSteps: 2 }, { store });
    const other = modelTeacher(master, { fingerprint: 'another' });
    await expect(run(other, {}, { store, resume: store })).rejects.toThrow(/fingerprints\.teacher/);
    await run(modelTeacher(master), {}, { store, resume: store });
    expect(runContent(store)).toEqual(runContent(whole));
  });

  test.each<[string, Partial<TrainConfig>, () => Partial<TrainEnv>, RegExp]>([
    [
      'a type without a teacher',
      {},
      () => ({}),
      /a teacher for distillation\.type soft.*--teacher-path/,
    ],
    [
      'a teacher without a type',
      { distillation: {} },
      () => ({ teacher: modelTeacher(master) }),
      /a type beside a teacher/,
    ],
    [
      'a teacher of other classes',
      {},
      () => ({ teacher: modelTeacher(tinyModel({ numClasses: 3 })) }),
      /4 classes, those of the data, for the teacher, received 3/,
    ],
  ])('with %s is refused', async (_, changes, more, message) => {
    const { teacher } = more();
    const store = new MemoryStore();
    await expect(run(teacher, changes, { store })).rejects.toThrow(message);
    expect(store.commits).toEqual([]);
  });
});

describe('tfjs-vit train', () => {
  let folder: string;
  let logged: jest.SpyInstance;
  const home = process.cwd();
  beforeAll(() => {
    logged = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'distillation-')));
    process.chdir(folder);
  });
  afterAll(() => {
    logged.mockRestore();
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  });
  const small = ['--limit', '16', '--limit-val', '8', '--val-split', '0', '--threads', '1'];

  test('learns from a run, keeps its logits, and repeats the run from them', async () => {
    const words = ['train', '--config', writeExperiment('a.json'), ...small];
    expect((await vit(...words, '--output-dir', 'teacher')).code).toBe(0);
    const soft = [
      '--distillation-type',
      'soft',
      '--distillation-tau',
      '3',
      '--teacher-logits',
      'logits',
    ];
    const live = ['--teacher-path', 'teacher/best_checkpoint.pth'];
    const first = await vit(...words, ...soft, ...live, '--output-dir', 'one');
    expect([first.code, first.error]).toEqual([
      0,
      expect.stringMatching(/Teacher: .*best_checkpoint\.safetensors, soft/),
    ]);
    expect(JSON.parse(readFileSync('one/config.json', 'utf8'))).toMatchObject({
      distillation: { type: 'soft', tau: 3, teacherPath: 'teacher/best_checkpoint.pth' },
      fingerprints: { teacher: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
    expect((await vit(...words, ...soft, '--output-dir', 'two')).code).toBe(0);
    const bytes = (run: string) => readFileSync(path.join(run, 'checkpoint.safetensors'));
    expect(bytes('one').equals(bytes('two'))).toBe(true);
    expect(bytes('one').equals(bytes('teacher'))).toBe(false);
  });

  test.each<[string[], RegExp]>([
    [
      ['--distillation-type', 'hard'],
      /--teacher-path or --teacher-logits for --distillation-type hard/,
    ],
    [
      ['--distillation-type', 'hard', '--teacher-model', 'vit_tiny_patch16_224'],
      /--teacher-path for --teacher-model/,
    ],
    [
      ['--distillation-type', 'hard', '--teacher-model', 'regnety_160', '--teacher-path', 'x'],
      /a model that is built for --teacher-model, received "regnety_160".*summary --list/,
    ],
    [['--distillation-type', 'hard', '--teacher-path', 'nowhere'], /there is no such file/],
    [['--distillation-type', 'hard', '--teacher-logits', 'nowhere'], /nowhere/],
    [
      ['--distillation-alpha', '0.3'],
      /no --distillation-alpha, because distillation\.type is none/,
    ],
    [
      ['--distillation-type', 'hard', '--distillation-tau', '3'],
      /no --distillation-tau, because distillation\.type is hard/,
    ],
    [['--distillation-type', 'softer'], /none, soft, hard/],
    [['--distillation-type', 'soft', '--distillation-alpha', '2'], /--distillation-alpha/],
  ])('%j is refused before anything is written', async (words, message) => {
    const file = writeExperiment('a.json');
    const ran = await vit('train', '--config', file, ...small, ...words, '--output-dir', 'bad');
    expect([ran.code, ran.error.split('\n').at(-1)]).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync('bad')).toBe(false);
  });
});
