// A run knows its purpose only through a task: other losses, other metrics, another choice of the best.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import type { Communicator } from '../lib/distributed/communicator.ts';
import type { EpochLog } from '../lib/core/runSink.ts';
import type { Batch } from '../lib/data/batch.ts';
import { Loader } from '../lib/data/loader.ts';
import { evaluate } from '../lib/training/evaluate.ts';
import type { Task } from '../lib/training/task.ts';
import { train } from '../lib/training/trainer.ts';
import { config, data, MemoryStore, normalize, runToy, Toy } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const imagesOf = ({ images, size, imageShape }: Batch) =>
  tf.tensor4d(images, [size, ...imageShape]);
const brightness = (images: tf.Tensor4D) => tf.mean(images, [1, 2, 3]);

/** A regression: the first logit is to be the brightness of the image. */
const regression: Task<{ error: number; count: number }> = {
  name: 'brightness',
  trainMetrics: [],
  evalMetrics: ['error'],
  loss: (model, batch, context) => {
    const images = imagesOf(batch);
    const found = tf.squeeze(tf.slice(model.forward(images, context), [0, 0], [-1, 1]), [1]);
    return {
      loss: tf.mean(tf.square(tf.sub(found, brightness(images)))),
      outputs: {},
    };
  },
  count: () => Promise.resolve({}),
  trainingMetrics: () => ({}),
  evaluator: () => {
    const sums = { error: 0, count: 0 };
    return {
      add: async (model, batch) => {
        const errors = tf.tidy(() => {
          const images = imagesOf(batch);
          const found = tf.squeeze(tf.slice(model.forward(images), [0, 0], [-1, 1]), [1]);
          return tf.abs(tf.sub(found, brightness(images)));
        });
        for (const error of await errors.data()) sums.error += error;
        sums.count += batch.size;
        errors.dispose();
      },
      result: () => ({ error: sums.error / sums.count, count: sums.count }),
    };
  },
  metrics: ({ error }) => ({ error }),
  isBetter: (a, b) => b === null || a['error']! < b['error']!,
  assertFits: () => undefined,
};

describe('another task', () => {
  const options = { ...config, epochs: 4, clip: null, smoothing: 0, learningRate: 0.02 };
  const run = async (store = new MemoryStore(), changes: object = {}, resume?: MemoryStore) => {
    const model = new Toy();
    try {
      return await train(
        { ...options, ...changes },
        { model, ...data, store, task: regression, ...(resume && { resume }) },
      );
    } finally {
      model.dispose();
    }
  };

  test('is trained, measured, logged, and chooses the best epoch', async () => {
    const store = new MemoryStore();
    const before = tf.memory().numTensors;
    const { log, best, evaluation } = await run(store);
    expect(tf.memory().numTensors).toBe(before);
    expect(evaluation).toEqual({ error: log[3]!['valError'], count: 20 });
    expect(log[3]!.trainLoss).toBeLessThan(0.5 * log[0]!.trainLoss);
    const errors = log.map((entry) => entry['valError'] as number);
    expect(best).toEqual({
      epoch: 1 + errors.indexOf(Math.min(...errors)),
      error: Math.min(...errors),
    });
    expect(store.text('metrics.csv').split('\n')[0]).toBe(
      'epoch,trainLoss,valError,learningRate,imagesPerSecond,seconds,dataWait',
    );
    expect(Object.keys(JSON.parse(store.text('log.jsonl').split('\n')[0]!) as EpochLog)).toEqual(
      store.text('metrics.csv').split('\n')[0]!.split(','),
    );
    expect(JSON.parse(store.text('config.json'))).toMatchObject({ task: 'brightness' });
    expect([...store.files.keys()].filter((name) => name.endsWith('.png'))).toEqual([]);
  });

  test('goes on with itself, and with no other', async () => {
    const whole = new MemoryStore();
    await run(whole);
    const store = new MemoryStore();
    await run(store, { maxSteps: 7 });
    const other = await runToy(options, { store: new MemoryStore(), resume: store });
    expect(other.error!.message).toContain('task: "brightness" → not set');
    await run(store, {}, store);
    const weights = 'checkpoint.safetensors';
    expect(store.files.get(weights)).toEqual(whole.files.get(weights));
  });

  test('has its own loss: a name of another one is refused', async () => {
    await expect(run(new MemoryStore(), { loss: 'binary' })).rejects.toThrow(
      /no loss beside a task.*received "binary"/,
    );
  });

  test('is what evaluate measures', async () => {
    const model = new Toy();
    const loader = new Loader({ dataset: data.validation, batchSize: 8, normalize });
    const { error, count } = await evaluate(model, loader, { task: regression });
    expect(count).toBe(20);
    expect(error).toBeGreaterThan(0);
    model.dispose();
  });
});

describe('the figures of a run', () => {
  test('are the producer’s, and are told of log, evaluation and classes', async () => {
    const seen: [number, number, readonly string[]][] = [];
    const { store } = await runToy(
      {},
      {
        figures: ({ log, evaluation, classNames }) => {
          seen.push([log.length, evaluation!.images, classNames]);
          return Promise.resolve(new Map([['note.txt', new Uint8Array([log.length])]]));
        },
      },
    );
    expect(seen).toEqual([1, 2].map((epoch) => [epoch, 20, data.train.classNames]));
    expect(store.files.get('note.txt')).toEqual(new Uint8Array([2]));
    expect(store.files.has('curves.png')).toBe(false);
  });

  test('that cannot be drawn cost nothing else', async () => {
    const { result, messages, store } = await runToy(
      {},
      {
        figures: () => Promise.reject(new Error('no renderer')),
      },
    );
    expect(result).toMatchObject({ reason: 'finished', epoch: 2 });
    expect(messages).toEqual([
      'Could not draw the figures of epoch 1: no renderer',
      'Could not draw the figures of epoch 2: no renderer',
    ]);
    expect(store.text('log.jsonl').trimEnd().split('\n')).toHaveLength(2);
  });
});

test('gradients are summed over processes once an update, before they are clipped', async () => {
  let calls = 0;
  // As if another process had the same gradients, so that their sum is twice those of this one.
  const pair: Communicator = {
    rank: 0,
    size: 2,
    sum: (gradients) => {
      calls += 1;
      for (const [name, gradient] of gradients) {
        gradients.set(name, gradient.mul(2));
        gradient.dispose();
      }
      return Promise.resolve(gradients);
    },
  };
  const options = {
    accumulationSteps: 2,
    clip: { mode: 'value', value: 0.02 },
    optimizer: { opt: 'sgd', weightDecay: 0 },
    schedule: { sched: 'constant' },
  } as const;
  const before = tf.memory().numTensors;
  const two = await runToy(options, { communicator: pair });
  expect(tf.memory().numTensors).toBe(before);
  expect(calls).toBe(two.result!.step);
  // clip(2·g, 0.02) = 2·clip(g, 0.01): twice the gradient at half the rate is the same step, bit for bit.
  const clip = { mode: 'value', value: 0.01 } as const;
  const one = await runToy({ ...options, clip, learningRate: 0.02 });
  const weights = ({ store }: typeof one) => store.files.get('checkpoint.safetensors');
  expect(weights(two)).toEqual(weights(one));
  expect(weights(two)).not.toEqual(weights(await runToy(options)));
});
