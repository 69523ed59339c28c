// Buffers: tensors that are stored with the parameters and not trained, from the module to the run folder.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import {
  loadModelTensors,
  modelTensors,
  downloadModelTensors,
} from '../lib/checkpoints/modelState.ts';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import type { ForwardContext } from '../lib/core/context.ts';
import { CheckpointError, InputError } from '../lib/core/errors.ts';
import { Module } from '../lib/core/module.ts';
import { Rng } from '../lib/core/rng.ts';
import { BatchNorm } from '../lib/layers/batchNorm.ts';
import { Linear } from '../lib/layers/linear.ts';
import { Ema } from '../lib/training/ema.ts';
import type { MemoryStore } from './support/training.ts';
import { data, runToy, weightsIn } from './support/training.ts';

jest.setTimeout(60_000);
beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

/** pixels → norm → head; from call `bad` on, the logits are NaN. */
class Normed extends Module {
  readonly norm = this.child('norm', new BatchNorm({ dim: 64 }, { path: 'norm' }));
  readonly head = this.child(
    'head',
    new Linear({ inFeatures: 64, outFeatures: 4 }, { path: 'head', rng: new Rng(1) }),
  );
  calls = 0;
  bad = Infinity;

  forward(images: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor2D {
    if (context.training === true) this.calls += 1;
    return tf.tidy(() => {
      const x = images.reshape([-1, 64]) as tf.Tensor2D;
      const logits = this.head.forward(this.norm.forward(x, context), context);
      return this.calls >= this.bad ? tf.mul(logits, NaN) : logits;
    });
  }
}

const names = [
  'norm.weight',
  'norm.bias',
  'norm.running_mean',
  'norm.running_var',
  'norm.num_batches_tracked',
  'head.weight',
  'head.bias',
];

describe('a module with buffers', () => {
  test('the state dict has them in the order of PyTorch, the parameters do not', () => {
    const before = tf.memory().numTensors;
    const model = new Normed();
    expect([...model.stateDict().keys()]).toEqual(names);
    expect([...model.namedBuffers('x.').keys()]).toEqual(names.slice(2, 5).map((n) => `x.${n}`));
    const parameters = names.filter((_, i) => i < 2 || i > 4);
    expect([...model.namedParameters().keys()]).toEqual(parameters);
    expect(model.countParameters()).toBe(2 * 64 + 4 * 65);
    expect([...model.namedBuffers().values()].some(({ trainable }) => trainable)).toBe(false);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a name is used once', () => {
    class Twice extends Module {
      readonly one = this.parameter('one', tf.zeros([1]));
      readonly two = this.buffer('one', tf.zeros([1]));
    }
    expect(() => new Twice()).toThrow(InputError);
  });

  test('they travel through a file: float32 as F32, counters as I64', async () => {
    const [model, other] = [new Normed(), new Normed()];
    const x = tf.randomNormal<tf.Rank.R4>([5, 8, 8, 1], 3, 2, 'float32', 1);
    model.forward(x, { training: true });
    model.forward(x, { training: true });
    const tensors = modelTensors(model);
    expect(await downloadModelTensors(model)).toEqual(tensors);
    const stored = parseSafetensors(formatSafetensors(tensors, {})).tensors;
    const counter = stored.get('norm.num_batches_tracked')!;
    expect([counter.dtype, counter.shape, [...counter.data]]).toEqual(['I64', [], [2n]]);
    expect(loadModelTensors(other, stored).loaded).toEqual(names);
    expect(values(other.forward(x))).toEqual(values(model.forward(x)));
    expect(values(other.norm.numBatchesTracked)).toEqual([2]);

    const without = new Map([...stored].filter(([name]) => name !== 'norm.running_var'));
    expect(() => loadModelTensors(other, without)).toThrow('missing norm.running_var');
    const huge = { dtype: 'I64' as const, shape: [], data: BigInt64Array.of(2n ** 40n) };
    const mean = values(other.norm.runningMean);
    const bad = new Map([
      ...modelTensors(new Normed()),
      ['norm.num_batches_tracked', huge] as const,
    ]);
    expect(() => loadModelTensors(other, bad)).toThrow(CheckpointError);
    expect(values(other.norm.runningMean)).toEqual(mean);
    tf.dispose(x);
  });
});

describe('BatchNorm', () => {
  test('takes the statistics of the batch and moves the running ones with the unbiased variance', () => {
    const layer = new BatchNorm({ dim: 1, momentum: 0.25 });
    const x = tf.tensor2d([1, 2, 3, 6], [4, 1]);
    const y = layer.forward(x, { training: true });
    const spread = Math.sqrt(3.5 + 1e-5);
    values(y).forEach((value, i) => expect(value).toBeCloseTo(([1, 2, 3, 6][i]! - 3) / spread, 5));
    expect(values(layer.runningMean)[0]).toBeCloseTo(0.25 * 3, 6);
    expect(values(layer.runningVar)[0]).toBeCloseTo(0.75 + (0.25 * 3.5 * 4) / 3, 6);
    const moved = values(layer.runningMean);
    const evaluated = values(layer.forward(x));
    expect(evaluated[0]).toBeCloseTo(
      (1 - 0.75) / Math.sqrt(values(layer.runningVar)[0]! + 1e-5),
      5,
    );
    expect([values(layer.runningMean), values(layer.numBatchesTracked)]).toEqual([moved, [1]]);
    layer.dispose();
  });

  test('a channel of one element gives the bias, and nothing that is not finite', () => {
    const layer = new BatchNorm({ dim: 2 });
    const y = layer.forward(tf.tensor2d([5, -7], [1, 2]), { training: true });
    expect(values(y)).toEqual([0, 0]);
    expect(values(layer.runningVar).every(Number.isFinite)).toBe(true);
    layer.dispose();
  });

  test('it leaves nothing in memory', () => {
    const layer = new BatchNorm({ dim: 3 });
    const x = tf.randomNormal([4, 3]);
    const before = tf.memory().numTensors;
    for (const training of [true, false]) tf.tidy(() => void layer.forward(x, { training }));
    expect(tf.memory().numTensors).toBe(before);
    layer.dispose();
  });
});

describe('a run', () => {
  test('stopped anywhere and gone on with, it ends with the bytes of an uninterrupted one', async () => {
    const options = { accumulationSteps: 2, ema: { decay: 0.9 } };
    const whole = await runToy(options, { model: new Normed() });
    const first = await runToy({ ...options, maxSteps: 2 }, { model: new Normed() });
    const store = first.store as MemoryStore;
    const second = await runToy(options, { model: new Normed(), store, resume: store });
    expect([whole.error, second.error]).toEqual([undefined, undefined]);
    for (const name of ['checkpoint', 'checkpoint.ema', 'best_checkpoint', 'checkpoint.state']) {
      const file = `${name}.safetensors`;
      expect([name, second.store.files.get(file)]).toEqual([name, whole.store.files.get(file)]);
    }
    // Two epochs of five batches: each of an update's batches moves the statistics.
    const weights = weightsIn(whole.store, 'checkpoint.safetensors');
    expect(Array.from(weights.get('norm.num_batches_tracked')!)).toEqual([10n]);
    const average = weightsIn(whole.store, 'checkpoint.ema.safetensors');
    expect(Array.from(average.get('norm.num_batches_tracked')!)).toEqual([10n]);
    expect(average.get('norm.running_mean')).not.toEqual(weights.get('norm.running_mean'));
  });

  test('an update that fails leaves the statistics as they were', async () => {
    const model = new Normed();
    model.bad = 3;
    const { error, store } = await runToy({ ema: null }, { model });
    expect(error!.message).toMatch(/head\.output|logits|loss/);
    const stored = weightsIn(store, 'checkpoint.safetensors');
    expect(Array.from(stored.get('norm.num_batches_tracked')!)).toEqual([2n]);
    expect(values(model.norm.numBatchesTracked)).toEqual([2]);
    expect(values(model.norm.runningMean)).toEqual(
      Array.from(stored.get('norm.running_mean') as Float32Array),
    );
    model.dispose();
  });

  test('evaluation with an average puts the statistics back', async () => {
    const model = new Normed();
    const { error, store } = await runToy(
      { epochs: 1, ema: { decay: 0.5 } },
      { ...data, model, figures: undefined },
    );
    expect(error).toBeUndefined();
    const stored = weightsIn(store, 'checkpoint.safetensors');
    expect(values(model.norm.runningVar)).toEqual(
      Array.from(stored.get('norm.running_var') as Float32Array),
    );
    model.dispose();
  });
});

test('Ema averages float buffers and copies counters', () => {
  const weights = (mean: number, count: number) =>
    new Map<string, tf.Tensor>([
      ['mean', tf.tensor1d([mean])],
      ['count', tf.scalar(count, 'int32')],
    ]);
  const ema = new Ema(weights(1, 1), { decay: 0.75 });
  ema.update(weights(5, 9), 1);
  expect([...ema.averages.values()].map(values)).toEqual([[2], [9]]);
  expect(ema.averages.get('count')!.dtype).toBe('int32');
  ema.dispose();
});
