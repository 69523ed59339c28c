import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { hostTensor } from '../lib/checkpoints/hostTensor.ts';
import { CheckpointError, InputError, ShapeError } from '../lib/core/errors.ts';
import { Module } from '../lib/core/module.ts';
import { Rng } from '../lib/core/rng.ts';
import { clipGradients } from '../lib/training/clip.ts';
import type { ClipConfig } from '../lib/training/options/types.ts';
import { Ema } from '../lib/training/ema.ts';
import { countCorrect, Metrics } from '../lib/training/metrics.ts';
import { disposeUpdate, makeOptimizer } from '../lib/training/optimizer.ts';
import type { OptimizerConfig } from '../lib/training/options/types.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

class Small extends Module {
  readonly weight = this.parameter(
    'blocks.0.fc.weight',
    tf.tensor2d([
      [0.5, -1],
      [2, 0.25],
    ]),
  );
  readonly bias = this.parameter('head.bias', tf.tensor1d([0.1, -0.2]));

  layerGroups() {
    return new Map([
      ['blocks.0.fc.weight', 0],
      ['head.bias', 1],
    ]);
  }
}

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

function gradientsAt(step: number): Map<string, tf.Tensor> {
  const rng = new Rng(7).split(step);
  const draw = (shape: number[]) =>
    tf.tensor(
      Array.from({ length: tf.util.sizeFromShape(shape) }, () => rng.normal()),
      shape,
      'float32',
    );
  return new Map([
    ['blocks.0.fc.weight', draw([2, 2])],
    ['head.bias', draw([2])],
  ]);
}

/** The update rules of torch for one number, in float64. */
function reference(
  config: OptimizerConfig,
  decay: number,
  start: number,
  gradients: number[],
): number {
  const { learningRate: lr, betas: [b1, b2] = [0.9, 0.999], epsilon = 1e-8 } = config;
  const { momentum = 0.9, nesterov = true } = config;
  let [p, m, v] = [start, 0, 0];
  gradients.forEach((g, i) => {
    if (config.opt === 'sgd') {
      const full = g + decay * p;
      m = momentum * m + full;
      p -= lr * (nesterov ? full + momentum * m : m);
      return;
    }
    p *= 1 - lr * decay;
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    const [mHat, vHat] = [m / (1 - b1 ** (i + 1)), v / (1 - b2 ** (i + 1))];
    p -= (lr * mHat) / (Math.sqrt(vHat) + epsilon);
  });
  return p;
}

const configs: OptimizerConfig[] = [
  { learningRate: 0.01, weightDecay: 0.1 },
  { learningRate: 0.01, weightDecay: 0, betas: [0.8, 0.95], epsilon: 1e-3 },
  { opt: 'sgd', learningRate: 0.01, weightDecay: 0.1 },
  { opt: 'sgd', learningRate: 0.01, momentum: 0.5, nesterov: false, weightDecay: 0 },
];

describe('optimizers', () => {
  test.each(configs)('%j: ten steps as torch does them', (config) => {
    const model = new Small();
    const start = { weight: values(model.weight), bias: values(model.bias) };
    const optimizer = makeOptimizer(model, config);
    const seen: number[][] = [];
    for (let step = 0; step < 10; step += 1) {
      const gradients = gradientsAt(step);
      seen.push([...gradients.values()].flatMap(values));
      optimizer.step(gradients);
      for (const gradient of gradients.values()) gradient.dispose();
    }
    expect(optimizer.steps).toBe(10);
    const of = (column: number) => seen.map((row) => row[column]!);
    values(model.weight).forEach((value, i) => {
      const wanted = reference(config, config.weightDecay!, start.weight[i]!, of(i));
      expect(Math.abs(value - wanted)).toBeLessThan(2e-6);
    });
    values(model.bias).forEach((value, i) => {
      expect(Math.abs(value - reference(config, 0, start.bias[i]!, of(4 + i)))).toBeLessThan(2e-6);
    });
    optimizer.dispose();
    model.dispose();
  });

  test.each(configs)('%j: restored state goes on bit for bit', (config) => {
    const run = (restart: boolean) => {
      const model = new Small();
      let optimizer = makeOptimizer(model, config);
      for (let step = 0; step < 6; step += 1) {
        if (restart && step === 3) {
          const stored = new Map(
            [...optimizer.state()].map(([name, tensor]) => [
              name,
              hostTensor(tensor.shape, Float32Array.from(tensor.dataSync())),
            ]),
          );
          optimizer.dispose();
          optimizer = makeOptimizer(model, config);
          optimizer.restore(stored, 3);
        }
        const gradients = gradientsAt(step);
        optimizer.step(gradients);
        for (const gradient of gradients.values()) gradient.dispose();
      }
      const out = [...values(model.weight), ...[...optimizer.state().values()].flatMap(values)];
      optimizer.dispose();
      model.dispose();
      return out;
    };
    expect(run(true)).toEqual(run(false));
  });

  test('ten million steps later the correction is still exact', () => {
    const model = new Small();
    const optimizer = makeOptimizer(model, { learningRate: 0.1, weightDecay: 0 });
    optimizer.steps = 1e7;
    const gradients = gradientsAt(0);
    const before = values(model.bias);
    optimizer.step(gradients);
    const g = values(gradients.get('head.bias')!);
    values(model.bias).forEach((value, i) => {
      const change = (0.1 * 0.1 * g[i]!) / (Math.sqrt(0.001) * Math.abs(g[i]!));
      expect(value).toBeCloseTo(before[i]! - change, 5);
    });
    optimizer.dispose();
    model.dispose();
  });

  test('a proposal changes nothing until it is applied', () => {
    const model = new Small();
    const optimizer = makeOptimizer(model, { learningRate: 0.1 });
    const gradients = gradientsAt(0);
    const before = values(model.weight);
    const tensors = tf.memory().numTensors;
    const update = optimizer.propose(gradients);
    expect(values(model.weight)).toEqual(before);
    disposeUpdate(update);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(optimizer.steps).toBe(0);
    optimizer.apply(optimizer.propose(gradients));
    expect(values(model.weight)).not.toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    optimizer.dispose();
    model.dispose();
  });

  test('a parameter without a gradient stays as it is, decay and all', () => {
    const model = new Small();
    const optimizer = makeOptimizer(model, { learningRate: 0.1, weightDecay: 0.5 });
    const before = values(model.weight);
    optimizer.step(new Map([['head.bias', tf.tensor1d([1, 1])]]));
    expect(values(model.weight)).toEqual(before);
    expect(values(model.bias)).not.toEqual([0.1, -0.2].map(Math.fround));
    expect(() => optimizer.step(new Map([['tail', tf.scalar(1)]]))).toThrow(InputError);
    optimizer.dispose();
    model.dispose();
  });

  test('layer decay acts from the first step on, with or without setRate', () => {
    const model = new Small();
    const config = { learningRate: 0.1, layerDecay: 0.5, weightDecay: 0 };
    const optimizer = makeOptimizer(model, config);
    expect(optimizer.rates).toEqual([0.05, 0.1]);
    const first = () => [model.weight, model.bias].map((parameter) => values(parameter)[0]!);
    const before = first();
    // The first step of AdamW is the learning rate in size.
    optimizer.step(gradientsAt(0));
    const [below, above] = first().map((value, i) => Math.abs(value - before[i]!));
    expect(above! / below!).toBeCloseTo(2, 1);
    optimizer.setRate(0.2);
    expect(optimizer.rates).toEqual([0.1, 0.2]);
    optimizer.dispose();
    model.dispose();
  });

  test('state of another model is refused and changes nothing', () => {
    const model = new Small();
    const optimizer = makeOptimizer(model, { learningRate: 0.1 });
    const other = new Map([['head.bias/exp_avg', hostTensor([3], new Float32Array(3))]]);
    expect(() => optimizer.restore(other, 1)).toThrow(CheckpointError);
    expect(() => optimizer.restore(other, 1)).toThrow(/missing blocks\.0\.fc\.weight\/exp_avg/);
    expect(optimizer.steps).toBe(0);
    optimizer.dispose();
    model.dispose();
  });
});

describe('clipGradients', () => {
  const weights = () =>
    new Map<string, tf.Tensor>([
      [
        'w',
        tf.tensor2d([
          [3, 4],
          [0, 0],
        ]),
      ],
      ['b', tf.tensor1d([0.6, 0.8])],
    ]);
  const gradients = () =>
    new Map<string, tf.Tensor>([
      [
        'w',
        tf.tensor2d([
          [6, 8],
          [0, 5],
        ]),
      ],
      ['b', tf.tensor1d([0, 0.001])],
    ]);
  const clip = (config: ClipConfig) =>
    [...clipGradients(gradients(), config, weights()).values()].map(values);
  const close = (received: number[][], wanted: number[][]) => {
    received.flat().forEach((value, i) => expect(value).toBeCloseTo(wanted.flat()[i]!, 5));
  };

  test('norm: scales all to the norm, and leaves smaller ones as they are', () => {
    const norm = Math.hypot(6, 8, 5, 0.001);
    close(clip({ mode: 'norm', value: norm / 2 }), [
      [3, 4, 0, 2.5],
      [0, 0.0005],
    ]);
    expect(clip({ mode: 'norm', value: 2 * norm })).toEqual([...gradients().values()].map(values));
  });

  test('value: bounds every element', () => {
    close(clip({ mode: 'value', value: 5.5 }), [
      [5.5, 5.5, 0, 5],
      [0, 0.001],
    ]);
  });

  test('agc: bounds each row against its weights, a vector as a whole', () => {
    close(clip({ mode: 'agc', value: 0.1 }), [
      [0.3, 0.4, 0, 1e-4],
      [0, 0.001],
    ]);
  });

  test.each(['norm', 'value', 'agc'] as const)('%s: gradients of zero stay zero', (mode) => {
    const zeros = new Map<string, tf.Tensor>([
      ['w', tf.zeros([2, 2])],
      ['b', tf.zeros([2])],
    ]);
    const clipped = clipGradients(zeros, { mode, value: 1 }, weights());
    expect([...clipped.values()].flatMap(values)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('the given norm is used, and the given gradients are left alone', () => {
    const given = gradients();
    const clipped = clipGradients(given, { mode: 'norm', value: 1 }, weights(), {
      norm: tf.scalar(2),
    });
    close([values(clipped.get('w')!)], [[3, 4, 0, 2.5]]);
    expect(values(given.get('w')!)).toEqual([6, 8, 0, 5]);
  });

  test('agc without its weights is refused', () => {
    expect(() => clipGradients(gradients(), { mode: 'agc', value: 1 }, new Map())).toThrow('"w"');
  });
});

describe('Ema', () => {
  const weight = (value: number) => new Map([['w', tf.tensor1d([value])]]);

  test('plain: a constant decay from the first update on', () => {
    const ema = new Ema(weight(1), { decay: 0.75 });
    ema.update(weight(5), 1);
    expect(values(ema.averages.get('w')!)).toEqual([2]);
    ema.update(weight(2), 2);
    expect(values(ema.averages.get('w')!)).toEqual([2]);
    ema.dispose();
  });

  test('v3: the first update copies, the warm-up rises to decay', () => {
    const ema = new Ema(weight(1), { kind: 'v3', decay: 0.9999, useWarmup: true });
    expect(ema.decay(1)).toBe(0);
    // timm 1.0.31, ModelEmaV3(decay=0.9999, use_warmup=True).get_decay(2)
    expect(ema.decay(2)).toBeCloseTo(0.3700394750525634, 12);
    expect(ema.decay(1e9)).toBe(0.9999);
    ema.update(weight(5), 1);
    expect(values(ema.averages.get('w')!)).toEqual([5]);
    ema.dispose();
    const late = new Ema(weight(1), { kind: 'v3', decay: 0.5, updateAfterStep: 3, minDecay: 0.2 });
    expect([1, 4, 5].map((step) => late.decay(step))).toEqual([0, 0, 0.5]);
    late.dispose();
  });

  test('keeps no tensor but its own', () => {
    const weights = weight(3);
    const before = tf.memory().numTensors;
    const ema = new Ema(weights, { decay: 0.5 });
    for (let step = 1; step < 5; step += 1) ema.update(weights, step);
    expect(tf.memory().numTensors).toBe(before + 1);
    ema.restore(new Map([['w', hostTensor([1], Float32Array.of(7))]]));
    expect(values(ema.averages.get('w')!)).toEqual([7]);
    expect(() => ema.restore(new Map())).toThrow(CheckpointError);
    ema.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('Metrics', () => {
  test('counts ranks, classes and confusion; loss is the cross-entropy', () => {
    const metrics = new Metrics(6);
    const row = [0, 1, 2, 3, 4, 5];
    metrics.add([...row, ...row, ...row], [5, 1, 0]);
    const result = metrics.result();
    const logSum = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    expect(result).toMatchObject({ images: 3, top1: 1 / 3, top5: 2 / 3 });
    expect(result.loss).toBeCloseTo(logSum - 2, 12);
    expect(result.perClass[5]).toEqual({ images: 1, correct: 1, accuracy: 1 });
    expect(result.perClass[1]).toEqual({ images: 1, correct: 0, accuracy: 0 });
    expect(result.perClass[2]).toEqual({ images: 0, correct: 0, accuracy: null });
    expect(result.confusion!.map((counts) => counts[5])).toEqual([1, 1, 0, 0, 0, 1]);
  });

  test('equal logits go to the lowest class, huge ones stay finite', () => {
    const metrics = new Metrics(2);
    metrics.add([0, 0, 1e4, -1e4, -1e4, 1e4], [1, 0, 0]);
    const { top1, top5, loss } = metrics.result();
    expect(top1).toBeCloseTo(1 / 3, 12);
    expect(top5).toBe(1);
    expect(loss).toBeCloseTo((Math.log(2) + 0 + 2e4) / 3, 9);
    expect(countCorrect([0, 0, 1e4, -1e4], [0, 0])).toBe(2);
    const single = new Metrics(1);
    single.add([3], [0]);
    expect(single.result()).toMatchObject({ loss: 0, top1: 1 });
  });

  test('does not build a matrix of a hundred million counts', () => {
    const metrics = new Metrics(10_000);
    metrics.add(new Float32Array(10_000), [3]);
    expect(metrics.result().confusion).toBeNull();
  });

  test('bad input', () => {
    expect(() => new Metrics(0)).toThrow(InputError);
    expect(() => new Metrics(3).result()).toThrow(InputError);
    expect(() => new Metrics(3).add([1, 2], [0])).toThrow(ShapeError);
    expect(() => new Metrics(3).add([1, 2, 3], [3])).toThrow('label');
  });
});
