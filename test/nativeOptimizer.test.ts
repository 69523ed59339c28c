// An optimizer step on the native backend works in place, in memory that no array of the caller shares.

import * as tf from '@tensorflow/tfjs';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { makeOptimizer } from '../lib/training/optimizer.ts';
import { isas } from './support/native.ts';

if (isas.length === 0) {
  test.skip(`native optimizer: ${nativeUnavailableReason()}`, () => undefined);
} else {
  test('the first step already writes over the weights, and leaves the array they came from alone', async () => {
    await tf.setBackend('native');
    const rng = new Rng(5);
    const given = Float32Array.from({ length: 64 * 32 }, () => rng.normal());
    const before = given.slice();
    const weight = tf.variable(tf.tensor(given, [64, 32]));
    const model = { namedParameters: () => new Map([['weight', weight]]) };
    const optimizer = makeOptimizer(model, { learningRate: 0.1, weightDecay: 0 });
    expect(weight.dataSync()).toEqual(before);
    const gradient = tf.ones([64, 32]);
    for (let step = 0; step < 2; step += 1) {
      const bytes = tf.memory().numBytes;
      const values = weight.dataSync();
      const { dataId } = weight;
      optimizer.step(new Map([['weight', gradient]]));
      expect(weight.dataId).toBe(dataId);
      expect(weight.dataSync()).not.toEqual(values);
      expect(tf.memory().numBytes).toBe(bytes);
    }
    expect(given).toEqual(before);
    optimizer.dispose();
    tf.dispose([weight, gradient]);
  });
}
