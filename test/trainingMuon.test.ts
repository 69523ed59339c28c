import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { hostTensor } from '../lib/checkpoints/hostTensor.ts';
import { Module } from '../lib/core/module.ts';
import { Rng } from '../lib/core/rng.ts';
import { newtonSchulz } from '../lib/ops/newtonSchulz.ts';
import { newtonSchulzPresets } from '../lib/training/muonRule.ts';
import { makeOptimizer } from '../lib/training/optimizer.ts';
import type { OptimizerConfig } from '../lib/training/options/types.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

// Matrices that Muon takes, of two shapes, and one that it leaves to AdamW.
class Matrices extends Module {
  readonly one = this.parameter('one.weight', drawn([6, 4], 1));
  readonly two = this.parameter('two.weight', drawn([6, 4], 2));
  readonly conv = this.parameter('conv.weight', drawn([4, 2, 3, 3], 3));
  readonly narrow = this.parameter('narrow.weight', drawn([2, 9], 4));
  readonly bias = this.parameter('one.bias', drawn([6], 5));

  noWeightDecay() {
    return new Set(['two.weight']);
  }

  gradients(step: number): Map<string, tf.Tensor> {
    const named = [...this.namedParameters()];
    return new Map(named.map(([name, { shape }], i) => [name, drawn(shape, 10 * step + i + 20)]));
  }
}

function drawn(shape: readonly number[], seed: number): tf.Tensor {
  const rng = new Rng(seed);
  const size = tf.util.sizeFromShape([...shape]);
  return tf.tensor(
    Float32Array.from({ length: size }, () => rng.normal()),
    [...shape],
  );
}

function slotsOf(config: Partial<OptimizerConfig>): string[] {
  const model = new Matrices();
  const optimizer = makeOptimizer(model, { learningRate: 0.1, ...config });
  const names = [...optimizer.state().keys()];
  optimizer.dispose();
  model.dispose();
  return names;
}

describe('LAMB and Muon', () => {
  const rules: OptimizerConfig[] = [
    { opt: 'lamb', learningRate: 0.01 },
    { opt: 'muon', learningRate: 0.01 },
    { opt: 'muon', learningRate: 0.01, nesterov: true },
  ];

  test.each(rules)('%j: restored state goes on bit for bit, and nothing leaks', (config) => {
    const run = (restart: boolean) => {
      const model = new Matrices();
      let optimizer = makeOptimizer(model, config);
      const before = tf.memory().numTensors;
      for (let step = 0; step < 5; step += 1) {
        if (restart && step === 2) {
          const stored = [...optimizer.state()].map(
            ([name, tensor]) =>
              [name, hostTensor(tensor.shape, Float32Array.from(tensor.dataSync()))] as const,
          );
          optimizer.dispose();
          optimizer = makeOptimizer(model, config);
          optimizer.restore(new Map(stored), 2);
        }
        const gradients = model.gradients(step);
        optimizer.step(gradients);
        tf.dispose([...gradients.values()]);
      }
      expect(tf.memory().numTensors).toBe(before);
      const all = [...model.namedParameters().values(), ...optimizer.state().values()];
      const out = all.flatMap(values);
      optimizer.dispose();
      model.dispose();
      return out;
    };
    const whole = run(false);
    expect(whole.every(Number.isFinite)).toBe(true);
    expect(run(true)).toEqual(whole);
  });

  test('muon: matrices have a momentum buffer, all else the moments of Adam', () => {
    const adam = (name: string) => [`${name}/exp_avg`, `${name}/exp_avg_sq`];
    const momentum = (name: string) => [`${name}/momentum_buffer`];
    expect(slotsOf({ opt: 'muon' })).toEqual([
      ...momentum('one.weight'),
      ...momentum('two.weight'),
      ...momentum('conv.weight'),
      ...adam('narrow.weight'),
      ...adam('one.bias'),
    ]);
    const [, two] = slotsOf({ opt: 'muon', fallbackNoWeightDecay: true });
    expect(two).toBe('two.weight/exp_avg');
    const none = slotsOf({ opt: 'muon', fallbackList: ['one.*', 't?o.weight', 'conv.weight'] });
    expect(none.some((name) => name.endsWith('momentum_buffer'))).toBe(false);
  });

  test('newtonSchulz: the singular values come near 1, whichever side is longer', () => {
    for (const shape of [
      [2, 4, 7],
      [2, 7, 4],
    ] as const) {
      const x = drawn(shape, 9) as tf.Tensor3D;
      const y = newtonSchulz(x, { coefficients: newtonSchulzPresets.polar_express, steps: 9 });
      const wide = shape[1] < shape[2];
      const gram = (tf.matMul(y, y, !wide, wide) as tf.Tensor3D).arraySync();
      gram.forEach((rows) =>
        rows.forEach((row, i) =>
          row.forEach((value, j) => expect(value).toBeCloseTo(i === j ? 1 : 0, 3)),
        ),
      );
    }
    const zeros = newtonSchulz(tf.zeros([1, 4, 4]), { coefficients: newtonSchulzPresets.quintic });
    expect(values(zeros)).toEqual(new Array(16).fill(0));
  });

  test("timm's other spellings of the names are known", () => {
    for (const opt of ['fusedlamb', 'LAMB']) {
      expect(slotsOf({ opt: opt as 'lamb' })).toEqual(slotsOf({ opt: 'lamb' }));
    }
    expect(slotsOf({ opt: 'nesterov' as 'sgd' })).toEqual(slotsOf({ opt: 'sgd' }));
    expect(() => slotsOf({ opt: 'nmuon' as 'muon' })).toThrow('Did you mean muon');
    expect(() => slotsOf({ opt: 'muon', fallbackList: 'head' as never })).toThrow('a list');
  });
});
