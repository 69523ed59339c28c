// `deitCompat`: DeiT's behaviour where it is not right, which ours is without it; and the notes about a recipe.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { idleAugmentOptions } from '../lib/data/augment/notes.ts';
import { thresholdTargets } from '../lib/data/batchTransform.ts';
import { rateLines } from '../lib/training/rateChart.ts';
import { makeSchedule } from '../lib/training/schedules.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';
import { type MemoryStore, runToy, weightsIn } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const base: TrainConfig = {
  epochs: 4,
  batchSize: 12,
  learningRate: 0.1,
  smoothing: 0,
  clip: null,
  ema: null,
  schedule: { sched: 'linear', warmupEpochs: 0, minLr: 0, stepOnEpochs: true },
};
const perEpoch = (logs: readonly { learningRate: number }[]) =>
  logs.map(({ learningRate }) => Number(learningRate.toFixed(4)));

// A run without pictures.
const quick: typeof runToy = (changes, more) => runToy(changes, { figures: undefined, ...more });

describe('the learning rate', () => {
  test('is one epoch late, but for the first epoch after a resume', async () => {
    const own = await quick(base);
    expect(perEpoch(own.epochs)).toEqual([0.1, 0.075, 0.05, 0.025]);
    const late = await quick({ ...base, deitCompat: true });
    expect(perEpoch(late.epochs)).toEqual([0.1, 0.1, 0.075, 0.05]);
    // Three updates an epoch: the run stops after two epochs.
    const begun = await quick({ ...base, deitCompat: true, maxSteps: 6 });
    const resumed = await quick(
      { ...base, deitCompat: true },
      { store: begun.store, resume: begun.store },
    );
    expect(resumed.error).toBeUndefined();
    expect(perEpoch(resumed.epochs)).toEqual([0.05, 0.05]);
  });

  test('of a batch is that of lrBaseSize images scaled', async () => {
    const scaled = await quick({ ...base, lrBaseSize: 48, accumulationSteps: 2, epochs: 1 });
    expect(perEpoch(scaled.epochs)).toEqual([0.05]);
  });

  test('cooldown epochs are not trained', async () => {
    const schedule = { ...base.schedule, cooldownEpochs: 2 };
    expect((await quick({ ...base, epochs: 1, schedule })).epochs).toHaveLength(3);
    const compat = { ...base, epochs: 1, schedule, deitCompat: true };
    expect((await quick(compat)).epochs).toHaveLength(1);
  });
});

test('the weights are evaluated, and not their average', async () => {
  const changes = { ...base, epochs: 1, ema: { decay: 0.5 } };
  const weights = (store: MemoryStore, name: string) =>
    [...weightsIn(store, `${name}.safetensors`).values()].map((values) => Array.from(values));
  const own = await quick(changes);
  expect(weights(own.store, 'best_checkpoint')).toEqual(weights(own.store, 'checkpoint.ema'));
  const compat = await quick({ ...changes, deitCompat: true });
  expect(weights(compat.store, 'best_checkpoint')).toEqual(weights(compat.store, 'checkpoint'));
  expect(compat.epochs[0]!.valLoss).not.toBe(own.epochs[0]!.valLoss);
});

test('a resumed run forgets its best score', async () => {
  // The second epoch is no better than the first: its weights do not move.
  const changes: Partial<TrainConfig> = {
    ...base,
    epochs: 2,
    learningRate: 1e-20,
    schedule: { sched: 'constant', stepOnEpochs: true },
  };
  for (const [deitCompat, best] of [
    [false, 1],
    [true, 2],
  ] as const) {
    const begun = await quick({ ...changes, deitCompat, maxSteps: 3 });
    const { store } = begun;
    const { result } = await quick({ ...changes, deitCompat }, { store, resume: store });
    expect(result!.best?.epoch).toBe(best);
  }
});

test('a run that is too short for its average says so', async () => {
  const note = /ends with 100 % of the initial weights/;
  const slow = await quick({ ...base, epochs: 1, ema: { decay: 0.99996 } });
  expect(slow.messages).toContainEqual(expect.stringMatching(note));
  const short = await quick({ ...base, epochs: 1, ema: { decay: 0.5 } });
  expect(short.messages.join()).not.toMatch(/initial weights/);
});

test('targets are cut at the threshold after mixing, and smoothed then', () => {
  const targets = Float32Array.of(0.9, 0.1, 0, 0, 1, 0);
  const batch = { targets, size: 2 } as never;
  thresholdTargets(0)(batch, undefined as never, { epoch: 0, step: 0 });
  expect([...targets]).toEqual([1, 1, 0, 0, 1, 0]);
});

describe('options of augmentation without effect', () => {
  const place = { size: [224, 224], epochs: 10, isListed: false } as const;
  const paths = (options: object, more: object = {}) =>
    idleAugmentOptions(options, { ...place, ...more }).map(({ path }) => path);

  test.each<[object, string[]]>([
    [{ aa: 'rand-m9', colorJitter: 0.3 }, ['colorJitter']],
    [{ aa: '3a', colorJitter: 0.3 }, []],
    [
      { noAug: true, aa: 'rand-m9', reprob: 0.25, hflip: 0.5, mixup: 0.8 },
      ['aa', 'reprob', 'hflip'],
    ],
    [{ threeAugment: true, aa: 'rand-m9', reprob: 0.25, colorJitter: 0.3 }, ['aa', 'reprob']],
    [{ src: true, scale: [0.5, 1] }, ['scale']],
    [{ remode: 'pixel' }, ['remode']],
    [{ mixupMode: 'elem', mixupProb: 0.5 }, ['mixupMode', 'mixupProb']],
    [{ mixup: 0.8, mixupSwitchProb: 0.5 }, ['mixupSwitchProb']],
    [{ mixup: 0.8, cutmix: 1, mixupSwitchProb: 0.5, mixupOffEpoch: 10 }, ['mixupOffEpoch']],
    [{ cutmix: 1, cutmixMinmax: [0.2, 0.8] }, ['cutmix']],
  ])('%j: %j', (options, idle) => {
    expect(paths(options)).toEqual(idle);
  });

  test('depend on the input and on the steps of the config', () => {
    const small = { size: [32, 32] };
    expect(paths({ scale: [0.5, 1], evalCropRatio: 0.9 }, small)).toEqual([
      'scale',
      'evalCropRatio',
    ]);
    expect(paths({ hflip: 0, mixup: 0.8 }, { isListed: true })).toEqual(['hflip']);
  });
});

test('the chart of the rate names the epochs where it turns', () => {
  const schedule = makeSchedule(1, { numEpochs: 8, warmupEpochs: 2, warmupLr: 0, sched: 'linear' });
  const lines = rateLines({ schedule, epochs: 8, updatesPerEpoch: 5, warmupEpochs: 2 });
  expect(lines[0]).toMatch(/^▁.*█.*▂+$/);
  expect(lines.slice(1)).toEqual([
    'epoch 1  0',
    'epoch 2  0.5',
    'epoch 3  0.75',
    'epoch 5  0.5',
    'epoch 7  0.25',
    'epoch 8  0.125',
  ]);
});
