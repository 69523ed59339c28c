// A run that is stopped and resumed gives the same bytes as an uninterrupted one.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason, setThreads } from '../lib/backends/native/index.ts';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { InputError } from '../lib/core/errors.ts';
import type { EpochLog } from '../lib/core/runSink.ts';
import type { Stop } from '../lib/core/stop.ts';
import { train } from '../lib/training/trainer.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';
import type { TrainEnv } from '../lib/training/run.ts';
import { runContent as content } from './support/runContent.ts';
import { config, MemoryStore, normalize, patterns, tinyModel, Toy } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const data = { train: patterns(20), validation: patterns(12, 2), normalize };
// Three updates an epoch, the last of an odd batch; every random part acts.
const setup: TrainConfig = { ...config, accumulationSteps: 1 };

async function run(
  store: MemoryStore,
  changes: Partial<TrainConfig> = {},
  more: Partial<TrainEnv> & { make?: () => TrainEnv['model'] } = {},
) {
  const { make = tinyModel, ...env } = more;
  const model = make();
  try {
    return await train({ ...setup, ...changes }, { ...data, store, model, ...env });
  } finally {
    model.dispose();
  }
}

describe('going on', () => {
  const whole = new MemoryStore();
  beforeAll(async () => {
    await run(whole);
  });

  test.each([
    [1, 'after the first update'],
    [2, 'within the first epoch'],
    [3, 'at the end of an epoch'],
    [5, 'within the last epoch'],
    [6, 'after the last update'],
  ])('after step %d, %s', async (step) => {
    const store = new MemoryStore();
    await run(store, { maxSteps: step });
    const result = await run(store, {}, { resume: store });
    expect(result.reason).toBe('finished');
    expect(content(store)).toEqual(content(whole));
  });

  test('after every step, each in a fresh model', async () => {
    const store = new MemoryStore();
    await run(store, { maxSteps: 1 });
    for (let step = 2; step <= 6; step += 1) {
      await run(store, { maxSteps: step }, { resume: store });
    }
    expect(content(store)).toEqual(content(whole));
  });

  test('from a model of other first weights, which are replaced', async () => {
    const store = new MemoryStore();
    await run(store, { maxSteps: 4 });
    const other = () => {
      const model = tinyModel();
      for (const parameter of model.namedParameters().values()) {
        parameter.assign(tf.tidy(() => tf.add(parameter, 1)));
      }
      return model;
    };
    await run(store, {}, { resume: store, make: other });
    expect(content(store)).toEqual(content(whole));
  });

  test('in another folder, which becomes complete at once', async () => {
    const store = new MemoryStore();
    await run(store, { maxSteps: 4 });
    const before = store.copy();
    const other = new MemoryStore();
    await run(other, { maxSteps: 4 }, { resume: store });
    expect([...other.files.keys()].sort()).toEqual([
      ...[...store.files.keys()].filter((name) => !name.endsWith('.png')).sort(),
    ]);
    await run(other, {}, { resume: other });
    expect(content(other)).toEqual(content(whole));
    expect(store.files).toEqual(before.files);
  });

  test('after a signal during the evaluation', async () => {
    const store = new MemoryStore();
    let reads = 0;
    const validation = patterns(12, 2);
    const image = validation.image.bind(validation);
    validation.image = (index) => {
      reads += 1;
      return image(index);
    };
    const stop: Stop = {
      // The fingerprint reads every image once, and the evaluation reads it again.
      get signal() {
        return reads > 12 ? 'SIGTERM' : undefined;
      },
    };
    const stopped = await run(store, {}, { stop, validation });
    expect(stopped).toMatchObject({ reason: 'SIGTERM', step: 3, epoch: 0 });
    await run(store, {}, { resume: store });
    expect(content(store)).toEqual(content(whole));
  });

  test('after the end there is nothing to do', async () => {
    const store = whole.copy();
    const result = await run(store, {}, { resume: store });
    expect(result).toMatchObject({ reason: 'finished', step: 6, epoch: 2 });
    expect(content(store)).toEqual(content(whole));
    expect(store.commits).toEqual([]);
  });

  test('for more epochs keeps the best of before', async () => {
    const store = whole.copy();
    const best = store.files.get('best_checkpoint.safetensors');
    const { best: score } = await run(store, { epochs: 3 }, { resume: store });
    const log = store.text('log.jsonl').trimEnd().split('\n');
    expect(log).toHaveLength(3);
    const scores = log.map((line) => (JSON.parse(line) as EpochLog).valTop1!);
    expect(score!.top1).toBe(Math.max(...scores));
    if (score!.epoch < 3) expect(store.files.get('best_checkpoint.safetensors')).toEqual(best);
  });
});

const unavailable = nativeUnavailableReason();
(unavailable === undefined ? describe : describe.skip)('on the native backend', () => {
  beforeAll(async () => {
    await tf.setBackend('native');
  });
  afterAll(async () => {
    setThreads(1);
    await tf.setBackend('cpu');
  });

  test.each([1, 3, 5])('after step %d, whatever the number of threads', async (step) => {
    const [whole, store] = [new MemoryStore(), new MemoryStore()];
    setThreads(1);
    await run(whole);
    setThreads(2);
    await run(store, { maxSteps: step });
    setThreads(3);
    await run(store, {}, { resume: store });
    expect(content(store)).toEqual(content(whole));
  });
});

test('a resumed run on another backend says so', async () => {
  const store = new MemoryStore();
  await run(store, { maxSteps: 1 }, { make: () => new Toy() });
  const file = 'checkpoint.state.safetensors';
  const { tensors, metadata } = parseSafetensors(store.files.get(file)!);
  const changed = { ...Object.fromEntries(metadata), backend: 'abacus' };
  store.files.set(file, formatSafetensors(tensors, changed));
  const messages: string[] = [];
  const sinks = [{ message: (text: string) => messages.push(text) }];
  await run(store, {}, { make: () => new Toy(), resume: store, sinks });
  expect(messages[0]).toMatch(/backend cpu instead of abacus/);
});

describe('a run that an older version stored', () => {
  // Its config had a normalisation alone, no split, and other words for the data.
  const stored = async () => {
    const store = new MemoryStore();
    const data = { name: 'run', bent: 3 };
    await run(store, { maxSteps: 2, data }, { make: () => new Toy() });
    const file = 'checkpoint.state.safetensors';
    const { tensors, metadata } = parseSafetensors(store.files.get(file)!);
    const { preprocessing, valSplit, precision, ...rest } = JSON.parse(
      metadata.get('config')!,
    ) as Record<string, unknown>;
    expect([preprocessing, valSplit, precision]).toEqual([
      { ...defaultPreprocessing, normalize },
      null,
      'fp32',
    ]);
    const old = JSON.stringify({ ...rest, normalize, data: { name: 'run', elastic: 3 } });
    const changed = { ...Object.fromEntries(metadata), config: old };
    store.files.set(file, formatSafetensors(tensors, changed));
    return store;
  };
  const defaultPreprocessing = {
    decode: 'display',
    cropMode: 'center',
    interpolation: 'bilinear',
    size: [8, 8],
  };
  const upgradeData = (value: unknown) => {
    const { elastic, ...others } = value as { elastic: number };
    return { ...others, bent: elastic };
  };
  const make = () => new Toy();

  test('goes on as one of this version', async () => {
    const [whole, store] = [new MemoryStore(), await stored()];
    const data = { name: 'run', bent: 3 };
    await run(whole, { data }, { make });
    await run(store, { data }, { make, resume: store, upgradeData });
    expect(content(store)).toEqual(content(whole));
  });

  test('is refused where it differs', async () => {
    const store = await stored();
    const other = {
      normalize: { mean: [0.1], std: [0.25] },
      preprocessing: { decode: 'pil' },
    } as const;
    const data = { name: 'run', bent: 4 };
    const going = run(store, { data }, { make, resume: store, upgradeData, ...other });
    await expect(going).rejects.toThrow(
      /preprocessing\.decode: "display" → "pil".*mean: \[0\.4\] → \[0\.1\].*data\.bent: 3 → 4/,
    );
  });
});

describe('with accumulation, SGD and no average', () => {
  const other: Partial<TrainConfig> = {
    batchSize: 4,
    accumulationSteps: 2,
    optimizer: { opt: 'sgd', momentum: 0.8 },
    ema: null,
    clip: null,
  };

  test.each([1, 2, 3, 4])('after step %d', async (step) => {
    const make = () => new Toy();
    const [whole, store] = [new MemoryStore(), new MemoryStore()];
    await run(whole, other, { make });
    await run(store, { ...other, maxSteps: step }, { make });
    await run(store, other, { make, resume: store });
    for (const kept of [whole, store]) {
      kept.files.set('checkpoint.ema.safetensors', new Uint8Array());
    }
    expect(content(store)).toEqual(content(whole));
  });
});

describe('differences', () => {
  const make = () => new Toy();
  const store = new MemoryStore();
  beforeAll(async () => {
    await run(store, { maxSteps: 2 }, { make });
  });

  test('are refused, each by name, before anything is written', async () => {
    const changes = { batchSize: 10, learningRate: 0.02, seed: 6, clip: null };
    const going = run(new MemoryStore(), changes, { make, resume: store });
    await expect(going).rejects.toThrow(InputError);
    await expect(run(store, changes, { make, resume: store })).rejects.toThrow(
      /batchSize: 8 → 10;.*learningRate: 0\.01 → 0\.02.*/,
    );
    await expect(run(store, changes, { make, resume: store })).rejects.toThrow(/seed: 5 → 6/);
    await expect(run(store, changes, { make, resume: store })).rejects.toThrow(/clip/);
  });

  test('other data are a difference too', async () => {
    const going = run(new MemoryStore(), {}, { make, resume: store, train: patterns(20, 9) });
    await expect(going).rejects.toThrow(/fingerprints\.train/);
  });

  test('are allowed when asked for, and told', async () => {
    const messages: string[] = [];
    const sinks = [{ message: (text: string) => messages.push(text) }];
    const more = { make, resume: store, allowChanges: true, sinks };
    const result = await run(new MemoryStore(), { learningRate: 0.02 }, more);
    expect(result.reason).toBe('finished');
    expect(messages[0]).toMatch(/learningRate: 0\.01 → 0\.02/);
  });

  test('another length or other saving is no difference', async () => {
    const changes = { epochs: 3, maxSteps: 4, checkpointSteps: 1, checkpointMinutes: null };
    const result = await run(new MemoryStore(), changes, { make, resume: store });
    expect(result.step).toBe(4);
  });
});
