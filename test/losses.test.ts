import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import {
  binaryCrossEntropyLoss,
  crossEntropyLoss,
  distillationLoss,
  hardDistillationLoss,
  InputError,
  lossNamed,
  lossNames,
  parseTrainConfig,
  registerLoss,
  ShapeError,
  softDistillationLoss,
  softTargetCrossEntropyLoss,
} from '../lib/index.ts';
import { runToy, weightsIn } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const cls = [
  [0.5, -1, 2],
  [1, 0.25, -0.5],
];
const dist = [
  [-0.5, 1.5, 0],
  [2, -1, 0.75],
];
const teacher = [
  [0.1, 3, -2],
  [-1, 0.5, 4],
];
const targets = [
  [0.2, 0.2, 0.6],
  [1, 0, 0],
];
const softmax = (row: readonly number[], tau = 1) => {
  const powers = row.map((z) => Math.exp(z / tau));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
};
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
const crossEntropy = (logits: number[][], wanted: number[][]) =>
  mean(
    logits.map((row, b) =>
      softmax(row).reduce((sum, p, k) => sum - wanted[b]![k]! * Math.log(p), 0),
    ),
  );
const value = (run: () => tf.Scalar) => tf.tidy(() => run().dataSync()[0]!);
const t2 = (rows: number[][]) => tf.tensor2d(rows);

test('cross-entropy with soft targets, and with labels that are smoothed', () => {
  expect(value(() => softTargetCrossEntropyLoss(t2(cls), t2(targets)))).toBeCloseTo(
    crossEntropy(cls, targets),
    6,
  );
  const smoothed = [
    [0.1, 0.1, 0.8],
    [0.1, 0.8, 0.1],
  ];
  expect(value(() => crossEntropyLoss(t2(cls), [2, 1], { smoothing: 0.3 }))).toBeCloseTo(
    crossEntropy(cls, smoothed),
    6,
  );
  expect(() => value(() => crossEntropyLoss(t2(cls), [2, 3]))).toThrow(InputError);
});

test('binary cross-entropy is the mean over batch and classes', () => {
  const each = cls.flatMap((row, b) =>
    row.map((z, k) => {
      const p = 1 / (1 + Math.exp(-z));
      const y = targets[b]![k]!;
      return -(y * Math.log(p) + (1 - y) * Math.log(1 - p));
    }),
  );
  expect(value(() => binaryCrossEntropyLoss(t2(cls), t2(targets)))).toBeCloseTo(mean(each), 6);
});

describe('distillation', () => {
  const hard = crossEntropy(dist, [
    [0, 1, 0],
    [0, 0, 1],
  ]);
  const soft = (tau: number) =>
    (tau ** 2 / 6) *
    teacher
      .flatMap((row, b) => {
        const [p, q] = [softmax(row, tau), softmax(dist[b]!, tau)];
        return p.map((pk, k) => pk * (Math.log(pk) - Math.log(q[k]!)));
      })
      .reduce((a, b) => a + b);
  const run = (options: Parameters<typeof distillationLoss>[3]) =>
    value(() =>
      distillationLoss({ cls: t2(cls), dist: t2(dist) }, t2(targets), t2(teacher), options),
    );

  test('hard: the class of the teacher; soft: its distribution, over all elements', () => {
    expect(value(() => hardDistillationLoss(t2(dist), t2(teacher)))).toBeCloseTo(hard, 6);
    for (const tau of [1, 3]) {
      expect(value(() => softDistillationLoss(t2(dist), t2(teacher), { tau }))).toBeCloseTo(
        soft(tau),
        6,
      );
    }
  });

  test('mixes with the loss of the class head by α; defaults are those of DeiT', () => {
    const base = crossEntropy(cls, targets);
    expect(run({ type: 'hard' })).toBeCloseTo(0.5 * base + 0.5 * hard, 6);
    expect(run({ type: 'soft' })).toBeCloseTo(0.5 * base + 0.5 * soft(1), 6);
    expect(run({ type: 'soft', alpha: 0.1, tau: 3 })).toBeCloseTo(0.9 * base + 0.1 * soft(3), 6);
    const binary = value(() => binaryCrossEntropyLoss(t2(cls), t2(targets)));
    const withBinary = run({ type: 'hard', alpha: 0.25, base: binaryCrossEntropyLoss });
    expect(withBinary).toBeCloseTo(0.75 * binary + 0.25 * hard, 6);
  });

  test('refuses what cannot be used', () => {
    expect(() => run({ type: 'soft', tau: 0 })).toThrow(/tau, received 0/);
    expect(() => run({ type: 'hard', alpha: 2 })).toThrow(/alpha, received 2/);
    expect(() => run({ type: 'none' as 'hard' })).toThrow(/hard, soft/);
    expect(() => value(() => hardDistillationLoss(t2(dist), t2([[1, 2]])))).toThrow(ShapeError);
  });
});

test('a loss that a user registers trains by its name', async () => {
  expect(lossNames().slice(0, 2)).toEqual(['softmax', 'binary']);
  expect(() =>
    parseTrainConfig({ epochs: 1, batchSize: 1, learningRate: 1, loss: 'twice' }),
  ).toThrow(/one of softmax, binary.*received "twice"/);
  registerLoss(
    'twice',
    (logits, wanted) => tf.mul(2, softTargetCrossEntropyLoss(logits, wanted)) as tf.Scalar,
  );
  expect(() => registerLoss('twice', lossNamed('softmax'))).toThrow(InputError);
  const options = {
    epochs: 1,
    clip: null,
    ema: null,
    optimizer: { opt: 'sgd', weightDecay: 0 },
    schedule: { sched: 'constant' },
  } as const;
  const twice = await runToy({ ...options, loss: 'twice', learningRate: 0.01 });
  const plain = await runToy({ ...options, loss: 'softmax', learningRate: 0.02 });
  expect(twice.result!.log[0]!.trainLoss).toBeCloseTo(2 * plain.result!.log[0]!.trainLoss, 5);
  const [a, b] = [twice, plain].map(({ store }) => weightsIn(store, 'checkpoint.safetensors'));
  for (const [name, values] of a!) {
    Array.from(values).forEach((x, i) => expect(x).toBeCloseTo(Number(b!.get(name)![i]), 5));
  }
});
