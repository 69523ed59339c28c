// Faults of a training run: each is named, leaves nothing half-written, and leaks nothing.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Capture } from '../lib/core/capture.ts';
import { CheckpointError, InputError, NumericError, VitError } from '../lib/core/errors.ts';
import { Loader } from '../lib/data/loader.ts';
import { evaluate } from '../lib/training/evaluate.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';
import {
  data,
  MemoryStore,
  normalize,
  patterns,
  runToy,
  tinyModel,
  Toy,
  weightsIn,
} from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('the guard', () => {
  /** A toy whose loss or gradients go wrong at one step. */
  const faulty = (wrong: (logits: tf.Tensor2D, call: number) => tf.Tensor2D) => {
    const model = new Toy();
    const forward = model.forward.bind(model);
    let call = 0;
    model.forward = (images, context) => {
      if (context?.training === true) call += 1;
      return tf.tidy(() => wrong(forward(images, context), call));
    };
    return model;
  };
  const scaledGradient = (factor: number) =>
    tf.customGrad((x: unknown) => ({
      value: (x as tf.Tensor).clone(),
      gradFunc: (dOut: tf.Tensor) => dOut.mul(factor),
    }));

  test('names a bad gradient and the step; the state before it is saved', async () => {
    const model = faulty((x, call) => (call === 3 ? (scaledGradient(NaN)(x) as tf.Tensor2D) : x));
    const { error, store, messages } = await runToy({}, { model });
    expect(error).toBeInstanceOf(NumericError);
    expect(error!.message).toMatch(/the gradient of head\.weight, received NaN.*step 3/);
    expect(store.commits.at(-1)!.info.step).toBe(2);
    expect(messages).toEqual([`Saved step 2, the last sound one, in ${store.location}.`]);
    for (const values of weightsIn(store, 'checkpoint.safetensors').values()) {
      expect(Array.from(values as Float32Array).every(Number.isFinite)).toBe(true);
    }
    model.dispose();
  });

  test('keeps its own error when the save fails', async () => {
    const model = faulty((x, call) => (call === 1 ? x.mul(NaN) : x));
    const store = new MemoryStore();
    const commit = store.commit.bind(store);
    store.commit = (files, info) => {
      const done = commit(files, info);
      store.failing = true;
      return done;
    };
    const { error, messages } = await runToy({}, { model, store, saveWaitSeconds: 0 });
    expect(error).toBeInstanceOf(NumericError);
    expect(messages[0]).toMatch(/Could not save step 0: No space left/);
    model.dispose();
  });

  test('catches what only the moments would carry on', async () => {
    const model = faulty((x, call) => (call === 2 ? (scaledGradient(1e25)(x) as tf.Tensor2D) : x));
    const { error } = await runToy({ clip: null }, { model });
    expect(error!.message).toMatch(/the optimizer state head\.weight\/exp_avg_sq.*step 2/);
    model.dispose();
  });

  test('a loss that is infinite is named, exit code 1', async () => {
    const model = faulty((x, call) => (call === 2 ? x.mul(Infinity) : x));
    const { error } = await runToy({}, { model });
    expect(error).toBeInstanceOf(NumericError);
    expect((error as VitError).exitCode).toBe(1);
    expect(error!.message).toMatch(/the loss.*step 2/);
    model.dispose();
  });

  test('a loss spike that recovers does not stop the run', async () => {
    const model = faulty((x, call) => (call === 2 ? x.add(tf.tensor1d([500, 0, 0, 0])) : x));
    const { result } = await runToy({}, { model });
    expect(result!.reason).toBe('finished');
    expect(result!.log[0]!.trainLoss).toBeGreaterThan(result!.log[1]!.trainLoss);
    model.dispose();
  });

  test('an inner tensor of the model is named', async () => {
    const model = tinyModel();
    const blocks = model.namedParameters().get('blocks.1.norm1.weight')!;
    blocks.assign(tf.fill([12], 3e38));
    const { error } = await runToy({ epochs: 1 }, { model });
    expect(error).toBeInstanceOf(NumericError);
    expect(error!.message).toMatch(/the tensor blocks\.1\.output.*step 1/);
    model.dispose();
  });

  test('weights that are not finite are refused before anything is written', async () => {
    const model = new Toy();
    model.bias.assign(tf.tensor1d([0, NaN, 0, 0]));
    const { error, store } = await runToy({}, { model });
    expect(error).toBeInstanceOf(InputError);
    expect(error!.message).toContain('head.bias');
    expect(store.files.size).toBe(0);
    const loader = new Loader({ dataset: data.validation, batchSize: 4, normalize });
    await expect(evaluate(model, loader)).rejects.toThrow('head.bias');
    model.dispose();
  });
});

describe('bad input', () => {
  test.each([
    [{ batchSize: 37 }, /at most 36.*batchSize, received 37/],
    [{ epochs: 0 }, /epochs, received 0/],
    [{ learningRate: NaN }, /learningRate, received NaN/],
    [{ smoothing: 2 }, /smoothing, received 2/],
    [{ lr: 1 }, /training option, received "lr"/],
    [{ clip: { mode: 'nrm', value: 1 } }, /clip.mode, received "nrm"/],
    [{ clip: { mode: 'norm', value: 0 } }, /clip.value, received 0/],
    [{ ema: { decay: 2 } }, /ema.decay, received 2/],
    [{ optimizer: { opt: 'adagrad' } }, /opt, received "adagrad"/],
    [{ optimizer: { betas: [0.9, 1] } }, /betas\[1\], received 1/],
    [{ schedule: { sched: 'poly' } }, /sched, received "poly"/],
    [{ accumulationSteps: 0.5 }, /accumulationSteps, received 0.5/],
    [{ optimizer: { lr: 1 } }, /an option of optimizer, received "lr"/],
    [{ maxSteps: 0 }, /maxSteps, received 0/],
  ])('%j: one sentence, nothing written, nothing leaked', async (changes, message) => {
    const before = tf.memory().numTensors;
    const { error, store } = await runToy(changes as Partial<TrainConfig>);
    expect(error).toBeInstanceOf(VitError);
    expect(error!.message).toMatch(message);
    expect((error as VitError).exitCode).toBe(2);
    expect(store.files.size).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('an option without effect is said by its path, with the reason', async () => {
    const { messages } = await runToy({ optimizer: { opt: 'sgd', betas: [0.9, 0.95] } });
    expect(messages).toContain('optimizer.betas has no effect, because optimizer.opt is sgd.');
    const other = await runToy({ optimizer: { opt: 'sgd', momentum: 0.8 } });
    expect(other.messages.join()).not.toContain('no effect');
  });

  test('a model of other classes than the data', async () => {
    const model = tinyModel({ numClasses: 5 });
    const { error, store } = await runToy({}, { model });
    expect(error).toBeInstanceOf(VitError);
    expect(error!.message).toContain('[1, 4]');
    expect(store.files.size).toBe(0);
    model.dispose();
  });

  test('going on without a run', async () => {
    const { error } = await runToy({}, { resume: new MemoryStore() });
    expect(error).toBeInstanceOf(InputError);
    expect(error!.message).toContain('checkpoint.state.safetensors');
  });

  test('a damaged state is refused', async () => {
    const { store } = await runToy({ epochs: 1 });
    const name = 'checkpoint.state.safetensors';
    store.files.set(name, store.files.get(name)!.slice(0, 100));
    const { error } = await runToy({ epochs: 1 }, { resume: store });
    expect(error).toBeInstanceOf(CheckpointError);
  });
});

describe('memory', () => {
  test('a run, and a run that fails anywhere, leave the tensors that were there', async () => {
    const model = new Toy();
    const before = tf.memory().numTensors;
    await runToy({}, { model });
    expect(tf.memory().numTensors).toBe(before);

    const broken = patterns(36);
    const image = broken.image.bind(broken);
    let reads = 0;
    broken.image = (index) => {
      reads += 1;
      if (reads > 36 + 20) throw new Error('the disk is gone');
      return image(index);
    };
    const iterator = await runToy({}, { model, train: broken });
    expect(iterator.error!.message).toBe('the disk is gone');
    expect(tf.memory().numTensors).toBe(before);

    const forward = model.forward.bind(model);
    let calls = 0;
    model.forward = (images, context) => {
      calls += 1;
      const logits = forward(images, context);
      if (calls === 3) throw new Error('a step failed');
      return logits;
    };
    const step = await runToy({}, { model });
    expect(step.error!.message).toBe('a step failed');
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test('an exception in a captured pass leaves what was captured, and nothing after dispose', () => {
    const model = tinyModel();
    const images = tf.zeros([1, 8, 8, 1]) as tf.Tensor4D;
    const before = tf.memory().numTensors;
    const capture = new Capture(['*', 'blocks.*.output']);
    // Training with dropouts, but without a stream to draw from.
    expect(() => model.forward(images, { intercept: capture, training: true })).toThrow(VitError);
    expect(capture.entries().size).toBeGreaterThan(0);
    expect(tf.memory().numTensors).toBe(before + capture.entries().size);
    capture.dispose();
    expect(tf.memory().numTensors).toBe(before);
    images.dispose();
    model.dispose();
  });

  test('is flat over steps and saves', async () => {
    const model = tinyModel();
    const counts: number[] = [];
    const bytes: number[] = [];
    const sink = {
      step() {
        counts.push(tf.memory().numTensors);
        bytes.push(tf.memory().numBytes);
      },
    };
    await runToy({ checkpointSteps: 1 }, { model, sinks: [sink] });
    expect(new Set(counts.slice(1)).size).toBe(1);
    expect(new Set(bytes.slice(1)).size).toBe(1);
    model.dispose();
  });
});
