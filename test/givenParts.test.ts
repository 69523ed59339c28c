// Parts that a user gives the library (descriptors, transforms, interceptors, losses, tasks) are checked before they do harm.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { readTensors, registerCheckpointFormat } from '../lib/checkpoints/readTensors.ts';
import { parseExperiment } from '../lib/cli/experiment.ts';
import { CheckpointError, InputError, ShapeError } from '../lib/core/errors.ts';
import type { Interceptor } from '../lib/core/intercept.ts';
import { Rng } from '../lib/core/rng.ts';
import type { Batch } from '../lib/data/batch.ts';
import type { BatchTransform } from '../lib/data/batchTransform.ts';
import type { Dataset } from '../lib/data/dataset.ts';
import { Loader } from '../lib/data/loader.ts';
import { registerDataset, type DatasetDescriptor } from '../lib/data/registry.ts';
import { holdOut } from '../lib/data/split.ts';
import { makeTransforms, registerTransform } from '../lib/data/transformRegistry.ts';
import { buildModel, createModel } from '../lib/models/createModel.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import { registerModelFamily } from '../lib/models/registry.ts';
import { classification } from '../lib/training/classification.ts';
import { distillationLoss } from '../lib/training/losses/distillation.ts';
import { registerLoss } from '../lib/training/losses/registry.ts';
import { parseTrainConfig } from '../lib/training/trainConfig.ts';
import { train } from '../lib/training/trainer.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';
import { MemoryStore, normalize, patterns, tinyModel, Toy, weightsIn } from './support/training.ts';
import type { Evaluation } from '../lib/training/metrics.ts';
import type { Task } from '../lib/training/task.ts';
import type { TrainEnv } from '../lib/training/run.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const as = <T>(value: unknown) => value as T;

describe('registries refuse what would break every later look-up', () => {
  const descriptor = {
    name: 'given',
    title: 'Given',
    parts: ['train'],
    inputChannels: 1,
    normalize,
    open: () => Promise.resolve(patterns(4)),
  };
  const bad: Record<string, unknown>[] = [
    { name: null },
    { name: ['a'] },
    { title: undefined },
    { parts: null },
    { parts: ['train', 'dev'] },
    { parts: ['test'] },
    { classNames: 'cat' },
    { inputChannels: 2 },
    { normalize: null },
    { normalize: { mean: [0, 0], std: [1, 1] } },
    { decode: 'rgb' },
    { valSplit: -1 },
    { open: undefined },
  ];

  test.each(bad.map((change, i) => [i, change] as const))('data set %i: %p', (i, change) => {
    const given = as<DatasetDescriptor>({ ...descriptor, name: `given${i}`, ...change });
    expect(() => registerDataset(given)).toThrow(InputError);
  });

  test('a transform, a loss, a format and a family without a name or a method', () => {
    const make = () => (image: unknown) => image;
    for (const name of [null, 5, '']) {
      expect(() => registerTransform(as({ name, options: {}, make }))).toThrow(InputError);
      expect(() => registerLoss(as(name), as(make))).toThrow(InputError);
      expect(() => registerCheckpointFormat(as({ name, matches: make, read: make }))).toThrow(
        InputError,
      );
    }
    expect(() => registerTransform(as({ name: 'none', options: {} }))).toThrow(/make/);
    expect(() => registerLoss('none', as(5))).toThrow(InputError);
    expect(() => registerCheckpointFormat(as({ name: 'none', read: make }))).toThrow(/matches/);
    expect(() => registerModelFamily(as({ family: 'none', names: () => [] }))).toThrow(/config/);
    expect(() => registerModelFamily(as(null))).toThrow(InputError);
  });
});

test('a value of another kind in place of options is refused, not taken for an empty object', () => {
  const config = { epochs: 1, batchSize: 1, learningRate: 1 };
  const kinds: unknown[] = [new Map([['opt', 'sgd']]), new Date(), Promise.resolve({})];
  for (const value of kinds) {
    expect(() => parseTrainConfig(as({ ...config, optimizer: value }))).toThrow(InputError);
    expect(() => buildModel(as(value))).toThrow(InputError);
    const experiment = { name: 'a', model: value, data: { dataset: 'mnist' }, ...config };
    expect(() => parseExperiment(experiment)).toThrow(InputError);
  }
  const noNames: unknown[] = [undefined, 5, {}, Object.create(null)];
  for (const name of noNames) {
    expect(() => createModel(as<string>(name))).toThrow(InputError);
    expect(() => makeTransforms([{ name }])).toThrow(InputError);
  }
});

test('an ArrayBuffer in place of bytes is refused with the remedy', async () => {
  await expect(readTensors(as(new ArrayBuffer(16)))).rejects.toThrow(/new Uint8Array\(buffer\)/);
  await expect(loadModel(as(new ArrayBuffer(16)))).rejects.toThrow(/new Uint8Array\(buffer\)/);
});

describe('data', () => {
  const loaderOf = (dataset: Dataset, batchTransforms: BatchTransform[] = []) =>
    new Loader({ dataset, batchSize: 4, normalize, training: true, batchTransforms });
  const whole = patterns(8);
  const like = (changes: object): Dataset => ({
    ...{ length: 8, numClasses: 4, classNames: whole.classNames, imageShape: [8, 8, 1] },
    image: (i: number) => whole.image(i),
    label: (i: number) => whole.label(i),
    ...changes,
  });

  test.each([3, 65])('an image of %d bytes in place of 64', async (bytes) => {
    const image = () => ({ width: 8, height: 8, channels: 1, data: new Uint8Array(bytes) });
    await expect(loaderOf(like({ image })).batch(0, 0)).rejects.toThrow(/Expected 64 bytes/);
  });

  test('no image, and a length that is no number', async () => {
    const none = loaderOf(like({ image: () => undefined }));
    await expect(none.batch(0, 0)).rejects.toThrow(InputError);
    expect(() => loaderOf(like({ length: NaN }))).toThrow(/length of the data set/);
  });

  const changes: [string, (batch: Batch) => unknown][] = [
    ['nothing', () => undefined],
    ['a promise', (batch) => Promise.resolve(batch)],
    ['fewer pixels', (batch) => ({ ...batch, images: batch.images.subarray(1) })],
    ['fewer targets', (batch) => ({ ...batch, targets: batch.targets.subarray(1) })],
    ['fewer labels', (batch) => ({ ...batch, labels: batch.labels.subarray(1) })],
    ['another size', (batch) => ({ ...batch, size: 3 })],
    ['another shape', (batch) => ({ ...batch, imageShape: [4, 16, 1] })],
  ];

  test.each(changes)('a batch transform that gives %s', async (_, change) => {
    const loader = loaderOf(whole, [(batch) => batch, as<BatchTransform>(change)]);
    await expect(loader.batch(0, 0)).rejects.toThrow(/batchTransforms\[1\]/);
  });

  test('a split that would leave a class without an image to train on', () => {
    const one = like({ length: 4, label: (i: number) => i });
    expect(() => holdOut(one, 1)).toThrow(/at most 0 for valSplit.*Give 0/);
    expect(holdOut(one, 0).train.length).toBe(4);
  });
});

describe('interceptors', () => {
  const model = tinyModel();
  const images = tf.ones([2, 8, 8, 1]) as tf.Tensor4D;
  const at = (change: (y: tf.Tensor) => unknown): Interceptor => ({
    wants: () => true,
    call: ({ path, inputs }, forward) => {
      const y = forward(...inputs);
      return path === 'blocks.1.mlp' ? as<tf.Tensor>(change(y)) : y;
    },
  });
  const fail = () => {
    throw new Error('mine');
  };

  test.each([
    ['nothing', () => undefined],
    ['a number', () => 5],
    ['a promise', (y: tf.Tensor) => Promise.resolve(y)],
    ['a shape that would be broadcast', (y: tf.Tensor) => tf.mean(y, 0, true)],
  ])('a result that is %s is a ShapeError that names the step', (_, change) => {
    const run = () => model.forward(images, { intercept: at(change) });
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(/blocks\.1\.mlp/);
  });

  test('one that throws leaves no tensor, with recompute too', () => {
    const before = tf.memory().numTensors;
    for (const recompute of [false, true]) {
      const context = { recompute, training: true, rng: new Rng(1), intercept: at(fail) };
      expect(() => valueAndGrad(model, () => tf.mean(model.forward(images, context)))).toThrow(
        'mine',
      );
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('losses', () => {
  const model = new Toy();
  const images = tf.ones([2, 8, 8, 1]) as tf.Tensor4D;

  test.each([undefined, 3, {}, { loss: 3, outputs: {} }])('a loss that gives %p', (result) => {
    expect(() => valueAndGrad(model, () => as<tf.Tensor>(result))).toThrow(ShapeError);
  });

  test('a parameter among the outputs stays the model’s', () => {
    const loss = () => ({ loss: tf.mean(model.forward(images)), outputs: { bias: model.bias } });
    const { value, gradients, outputs } = valueAndGrad(model, loss);
    tf.dispose([value, ...gradients.values(), ...Object.values(outputs)]);
    expect(model.bias.isDisposed).toBe(false);
  });

  test('a model without parameters', () => {
    const none = { namedParameters: () => new Map<string, tf.Variable>() };
    expect(() => valueAndGrad(none, () => tf.scalar(1))).toThrow(InputError);
  });

  test('heads of distillation for different batches', () => {
    const logits = (rows: number) => tf.zeros([rows, 4]) as tf.Tensor2D;
    const outputs = { cls: logits(2), dist: logits(3) };
    expect(() => distillationLoss(outputs, logits(2), logits(3), { type: 'hard' })).toThrow(
      ShapeError,
    );
  });
});

describe('runs', () => {
  const base = { epochs: 2, batchSize: 8, learningRate: 0.01, checkpointMinutes: null };
  const task = classification();
  const data = { train: patterns(16, 1), validation: patterns(8, 2), test: patterns(8, 3) };
  const run = (env: Partial<TrainEnv<Evaluation>> = {}, changes: object = {}) =>
    train<Evaluation>(
      { ...base, ...changes },
      { model: new Toy(), ...data, normalize, store: new MemoryStore(), ...env },
    );

  test('parts of the data that do not fit the model are refused before the first epoch', async () => {
    const labels = [0, 1, 2, 3, 4];
    const classNames = ['a', 'b', 'c', 'd', 'e'];
    const other = {
      ...patterns(5),
      classNames,
      numClasses: 5,
      length: 5,
      label: (i: number) => labels[i]!,
    };
    const images = patterns(5);
    const wrong = { ...other, image: (i: number) => images.image(i) } as Dataset;
    for (const part of ['validation', 'test']) {
      const store = new MemoryStore();
      await expect(run({ [part]: wrong, store })).rejects.toThrow(ShapeError);
      expect(store.files.size).toBe(0);
    }
  });

  test('a run whose metrics are NaN goes on, and tests the weights of its last epoch', async () => {
    const nan = { loss: NaN, top1: 0.5, top5: Infinity };
    const tasks: Task<Evaluation>[] = [
      { ...task, metrics: () => nan, isBetter: () => true },
      { ...task, metrics: () => nan, isBetter: () => false },
    ];
    for (const one of tasks) {
      const store = new MemoryStore();
      await run({ task: one, store });
      expect(weightsIn(store, 'best_checkpoint.safetensors')).toEqual(
        weightsIn(store, 'checkpoint.safetensors'),
      );
      const { epoch } = await run({ task: one, store, resume: store }, { epochs: 3 });
      expect(epoch).toBe(3);
      // The epochs before and after going on are written alike.
      const [, first = '', , third = ''] = store.text('metrics.csv').split('\n');
      expect(first.split(',')[3]).toBe('');
      expect(third.split(',')[3]).toBe('');
    }
  });

  test.each(['loss', 'images'])('a count of the name %s is refused', async (name) => {
    const counting = { ...task, count: () => Promise.resolve({ correct: 1, [name]: 1 }) };
    await expect(run({ task: counting })).rejects.toThrow(/a count of the task/);
  });

  test('figures cannot replace the files of the run', async () => {
    const store = new MemoryStore();
    const file = 'checkpoint.safetensors';
    await run({ store, figures: () => Promise.resolve(new Map([[file, new Uint8Array(1)]])) });
    expect(weightsIn(store, file).size).toBeGreaterThan(0);
  });

  test('a finished run that goes on in another folder takes its test along', async () => {
    const [store, other] = [new MemoryStore(), new MemoryStore()];
    await run({ store });
    await run({ store: other, resume: store });
    expect(other.text('test.json')).toBe(store.text('test.json'));
  });

  test('a stored run without the shape of its images is a damaged one', async () => {
    const store = new MemoryStore();
    await run({ store });
    const name = 'checkpoint.state.safetensors';
    const text = new TextDecoder('latin1').decode(store.files.get(name));
    const damaged = text.replace('imageShape', 'imageShapf');
    store.files.set(name, new Uint8Array(Buffer.from(damaged, 'latin1')));
    await expect(run({ store, resume: store })).rejects.toThrow(CheckpointError);
  });
});
