import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import type { EpochLog } from '../lib/core/runSink.ts';
import type { Stop } from '../lib/core/stop.ts';
import { Loader } from '../lib/data/loader.ts';
import { evaluate } from '../lib/training/evaluate.ts';
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

// The steps at which the run was saved; figures are drawn and written after that.
const savedSteps = ({ commits }: MemoryStore) =>
  commits
    .filter(({ names }) => names.includes('checkpoint.state.safetensors'))
    .map(({ info }) => info.step);

describe('a run', () => {
  test('learns', async () => {
    const model = tinyModel({ dropRate: 0, posDropRate: 0, projDropRate: 0, attnDropRate: 0 });
    const { result } = await runToy(
      { epochs: 5, batchSize: 12, smoothing: 0, learningRate: 0.02, ema: null },
      { model },
    );
    expect(result!.log[4]!.trainLoss).toBeLessThan(0.6 * result!.log[0]!.trainLoss);
    expect(result!.best!.top1).toBeGreaterThan(0.7);
    model.dispose();
  });

  test('leaves a complete folder', async () => {
    const { result, store, epochs, sink } = await runToy();
    expect(result).toMatchObject({ reason: 'finished', exitCode: 0, epoch: 2, step: 10 });
    expect([...store.files.keys()].sort()).toEqual([
      'best_checkpoint.safetensors',
      'checkpoint.ema.safetensors',
      'checkpoint.safetensors',
      'checkpoint.state.safetensors',
      'config.json',
      'confusion.png',
      'curves.png',
      'log.jsonl',
      'metrics.csv',
    ]);
    const lines = store.text('log.jsonl').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as EpochLog)).toEqual(epochs);
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(store.text('metrics.csv').split('\n')).toHaveLength(4);
    expect(store.text('metrics.csv')).toMatch(/^epoch,trainLoss,trainTop1,valLoss,/);
    const stored = JSON.parse(store.text('config.json')) as Record<string, unknown>;
    expect(stored).toMatchObject({ epochs: 2, batchSize: 8, accumulationSteps: 1 });
    expect(stored).toMatchObject({ preprocessing: { size: [8, 8], decode: 'display', normalize } });
    expect(sink.closed).toBe(1);
  });

  test('the state has named moments; the checkpoints have weights alone', async () => {
    const { store } = await runToy();
    expect([...weightsIn(store, 'checkpoint.state.safetensors').keys()].sort()).toEqual([
      'head.bias/exp_avg',
      'head.bias/exp_avg_sq',
      'head.weight/exp_avg',
      'head.weight/exp_avg_sq',
    ]);
    for (const name of ['checkpoint', 'checkpoint.ema', 'best_checkpoint']) {
      const names = [...weightsIn(store, `${name}.safetensors`).keys()];
      expect(names).toEqual(['head.weight', 'head.bias']);
    }
    const { metadata } = parseSafetensors(store.files.get('checkpoint.safetensors')!);
    expect(metadata.get('format')).toBe('pt');
  });

  test('evaluates the moving average, and the best checkpoint is what was evaluated', async () => {
    const { store, result } = await runToy({ epochs: 1 });
    const average = weightsIn(store, 'checkpoint.ema.safetensors');
    expect(weightsIn(store, 'best_checkpoint.safetensors')).toEqual(average);
    expect(weightsIn(store, 'checkpoint.safetensors')).not.toEqual(average);
    const model = new Toy();
    model.weight.assign(tf.tensor(Float32Array.from(average.get('head.weight') as never), [64, 4]));
    model.bias.assign(tf.tensor(Float32Array.from(average.get('head.bias') as never), [4]));
    const loader = new Loader({ dataset: data.validation, batchSize: 7, normalize });
    const { loss, top1 } = await evaluate(model, loader);
    expect(result!.log[0]!.valTop1).toBe(top1);
    expect(result!.log[0]!.valLoss).toBeCloseTo(loss, 6);
    model.dispose();
  });

  test('without validation there is no score, and the last weights are the best', async () => {
    const { store, result } = await runToy({ ema: null }, { validation: undefined });
    expect(result!.best).toBeNull();
    expect(result!.log[1]).toMatchObject({ valLoss: null, valTop1: null, valTop5: null });
    expect(weightsIn(store, 'best_checkpoint.safetensors')).toEqual(
      weightsIn(store, 'checkpoint.safetensors'),
    );
    expect(store.text('metrics.csv').split('\n')[1]).toMatch(/^1,[\d.]+,[\d.]+,,,,/);
  });

  test('progress counts updates, and the loss is the mean over the images so far', async () => {
    const { steps, epochs } = await runToy();
    expect(steps.map(({ epoch, step }) => [epoch, step])).toEqual(
      [1, 2].flatMap((epoch) => [1, 2, 3, 4, 5].map((step) => [epoch, step])),
    );
    expect(steps[4]!.loss).toBe(epochs[0]!.trainLoss);
    expect(steps[4]!.metrics).toEqual({ top1: epochs[0]!.trainTop1 });
    // The last update is done, and the last validation is to come.
    expect(steps[9]!.secondsLeft).toBeGreaterThan(0);
    expect(steps[9]!.secondsLeft).toBeLessThan(steps[4]!.secondsLeft);
    for (const { dataWait, imagesPerSecond } of steps) {
      expect(dataWait).toBeGreaterThanOrEqual(0);
      expect(dataWait).toBeLessThanOrEqual(1);
      expect(imagesPerSecond).toBeGreaterThan(0);
    }
  });

  test('accumulated batches train as one batch of their size', async () => {
    const once = { batchSize: 12, accumulationSteps: 1, epochs: 1, dropLast: true };
    // Without dropout, because the two runs draw their masks for different batches.
    const plain = () => {
      const model = new Toy();
      const forward = model.forward.bind(model);
      model.forward = (images) => forward(images);
      return model;
    };
    const [a, b] = [plain(), plain()];
    await runToy(once, { model: a });
    await runToy({ ...once, batchSize: 4, accumulationSteps: 3 }, { model: b });
    const difference = tf.max(tf.abs(tf.sub(a.weight, b.weight))).dataSync()[0]!;
    expect(difference).toBeLessThan(1e-6);
    expect(tf.max(tf.abs(a.weight)).dataSync()[0]!).toBeGreaterThan(1e-3);
    a.dispose();
    b.dispose();
  });

  test('limits take the first images', async () => {
    const { result, steps } = await runToy({ limit: 16, limitVal: 5, epochs: 1 });
    expect(steps).toHaveLength(2);
    expect(result!.evaluation!.images).toBe(5);
  });

  test.each(['sgd', 'adamw'] as const)('%s with layer decay and the v3 average', async (opt) => {
    const { result } = await runToy({
      optimizer: { opt, layerDecay: 0.5, weightDecay: 0.1 },
      ema: { decay: 0.99, kind: 'v3', useWarmup: true },
      schedule: { sched: 'step', decayEpochs: 1, stepOnEpochs: true },
      clip: { mode: 'agc', value: 0.1 },
      loss: 'binary',
    });
    expect(result!.log.map(({ learningRate }) => learningRate)).toEqual([0.01, 0.001]);
  });
});

describe('stopping', () => {
  /** A `Stop` that gives its signal after it was read `looks` times without one. */
  const after = (looks: number, signal: 'SIGINT' | 'SIGTERM' = 'SIGTERM'): Stop => {
    let left = looks;
    return {
      get signal() {
        left -= 1;
        return left < 0 ? signal : undefined;
      },
    };
  };

  test.each([
    [0, 'SIGTERM', 143, 0],
    [3, 'SIGINT', 130, undefined],
    [7, 'SIGTERM', 143, undefined],
  ] as const)('after %d looks by %s', async (looks, signal, exitCode, step) => {
    const { result, store, messages } = await runToy({}, { stop: after(looks, signal) });
    expect(result).toMatchObject({ reason: signal, exitCode });
    if (step !== undefined) expect(result!.step).toBe(step);
    expect(store.commits.at(-1)!.info).toMatchObject({ step: result!.step });
    expect(messages.at(-1)).toContain(store.location);
  });

  test('by an event that came during a step, before the next one', async () => {
    let signal: Stop['signal'];
    const stop: Stop = {
      get signal() {
        return signal;
      },
      // The check follows each step, because signals arrive as events.
      takeSaveRequest: () => {
        setImmediate(() => (signal = 'SIGINT'));
        return false;
      },
    };
    const { result } = await runToy({}, { stop });
    expect(result).toMatchObject({ reason: 'SIGINT', exitCode: 130, step: 1 });
  });

  test('during the evaluation leaves the epoch open', async () => {
    let seen = false;
    const stop: Stop = {
      get signal() {
        return seen ? 'SIGTERM' : undefined;
      },
    };
    const validation = patterns(20, 2);
    const image = validation.image.bind(validation);
    validation.image = (index) => {
      // The fingerprint reads the images once; the second time is the evaluation.
      if (index === 19 && reads > 0) seen = true;
      if (index === 19) reads += 1;
      return image(index);
    };
    let reads = 0;
    const { result, store, error } = await runToy({}, { stop, validation });
    expect(error).toBeUndefined();
    expect(result).toMatchObject({ reason: 'SIGTERM', epoch: 0, step: 5, log: [] });
    expect(store.text('log.jsonl')).toBe('');
  });

  test('maxSteps ends with 0, and an epoch that is complete then is evaluated', async () => {
    const middle = await runToy({ maxSteps: 3 });
    expect(middle.result).toMatchObject({ reason: 'maxSteps', exitCode: 0, epoch: 0, step: 3 });
    expect(middle.epochs).toHaveLength(0);
    const end = await runToy({ maxSteps: 5 });
    expect(end.result).toMatchObject({ reason: 'maxSteps', exitCode: 0, epoch: 1, step: 5 });
    expect(end.epochs).toHaveLength(1);
  });

  test('a save request saves and goes on', async () => {
    let asked = 1;
    const stop: Stop = { signal: undefined, takeSaveRequest: () => asked-- === 1 };
    const { result, store, messages } = await runToy({}, { stop });
    expect(result!.reason).toBe('finished');
    expect(savedSteps(store)).toEqual([0, 1, 5, 10]);
    expect(messages).toContain(`Saved step 1 in ${store.location}.`);
  });

  test('saves every checkpointSteps', async () => {
    const { store } = await runToy({ checkpointSteps: 2 });
    expect(savedSteps(store)).toEqual([0, 2, 4, 5, 6, 8, 10, 10]);
  });

  test('a failed save in between is reported, and training goes on', async () => {
    const store = new MemoryStore();
    const commit = store.commit.bind(store);
    store.commit = (files, info) => {
      store.failing = info.step === 2;
      return commit(files, info);
    };
    const { result, messages } = await runToy({ checkpointSteps: 2 }, { store });
    expect(result!.reason).toBe('finished');
    expect(messages[0]).toMatch(/Could not save step 2.*No space left/);
  });
});
