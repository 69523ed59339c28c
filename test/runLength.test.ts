// The schedule's own total decides how long a run is.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { runToy } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('the length of a run', () => {
  const train = async (schedule: object, epochs = 3) => {
    const ran = await runToy({ epochs, schedule, ema: null }, { validation: undefined });
    const rates = ran.epochs.map(({ learningRate }) => learningRate);
    return { ...ran, rates, epochs: ran.result!.epoch };
  };
  const minLr = 1e-5;

  test('a cooldown comes on top, at the lowest rate', async () => {
    const { epochs, rates, steps } = await train({ minLr, cooldownEpochs: 2 });
    expect([epochs, steps.at(-1)!.epochs]).toEqual([5, 5]);
    expect(rates.slice(3)).toEqual([minLr, minLr]);
    expect(rates[2]).toBeGreaterThan(minLr);
  });

  test('a warm-up before the curve comes on top, so that the curve ends low', async () => {
    const curve = { minLr, stepOnEpochs: true, warmupEpochs: 2 };
    const { epochs, rates } = await train({ ...curve, warmupPrefix: true }, 8);
    expect(epochs).toBe(10);
    const plain = await train({ minLr, stepOnEpochs: true }, 8);
    expect(rates.slice(2)).toEqual(plain.rates);
  });

  test('cycles follow one another', async () => {
    const { epochs, rates } = await train({ minLr, cycleLimit: 2, cycleDecay: 0.5 });
    expect(epochs).toBe(6);
    expect(rates[3]).toBeGreaterThan(rates[2]!);
    expect((await train({ minLr, cycleLimit: 2, cycleMul: 2 })).epochs).toBe(9);
  });
});
