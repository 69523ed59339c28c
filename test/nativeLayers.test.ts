// A convolutional network of tf.layers, without our models, trains alike on the native backend and on the CPU's.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { normals } from './support/native.ts';

function network(): tf.Sequential {
  const kernel = (seed: number) => tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        ...{ inputShape: [8, 8, 3], filters: 8, kernelSize: 3, padding: 'same' },
        ...{ activation: 'elu', kernelInitializer: kernel(1) },
      }),
      tf.layers.batchNormalization({}),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.depthwiseConv2d({
        ...{ kernelSize: 3, padding: 'same', depthwiseInitializer: kernel(2) },
        activation: 'relu6',
      }),
      tf.layers.separableConv2d({
        ...{ filters: 16, kernelSize: 3, strides: 2, padding: 'same' },
        ...{ depthwiseInitializer: kernel(3), pointwiseInitializer: kernel(4) },
      }),
      tf.layers.averagePooling2d({ poolSize: 2, strides: 1 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, kernelInitializer: kernel(5), activation: 'softmax' }),
    ],
  });
}

// Losses and accuracies of some epochs, then predictions.
async function train(backend: string): Promise<number[]> {
  await tf.setBackend(backend);
  const rng = new Rng(41);
  const images = tf.tensor4d(normals(rng, 16, 8, 8, 3).values as Float32Array, [16, 8, 8, 3]);
  const labels = tf.oneHot(
    Array.from({ length: 16 }, () => rng.integer(10)),
    10,
  );
  const model = network();
  model.compile({
    optimizer: tf.train.adam(0.01),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  const before = tf.memory().numTensors;
  const { history } = await model.fit(images, labels, { batchSize: 8, epochs: 3, shuffle: false });
  await model.fit(images, labels, { batchSize: 8, epochs: 1, shuffle: false });
  const after = tf.memory().numTensors;
  const predictions = model.predict(images) as tf.Tensor;
  const values = [...(history['loss'] as number[]), ...(history['acc'] as number[])];
  values.push(...predictions.dataSync());
  // The first step makes the optimizer's moments, for each of the weights two.
  expect(after - before).toBeLessThanOrEqual(2 * model.trainableWeights.length + 2);
  tf.dispose([images, labels, predictions]);
  model.dispose();
  return values;
}

const why = nativeUnavailableReason();
(why === undefined ? test : test.skip)(`a network of tf.layers${why ?? ''}`, async () => {
  const expected = await train('cpu');
  const actual = await train('native');
  expect(actual).toHaveLength(expected.length);
  for (const [i, want] of expected.entries()) expect(actual[i]).toBeCloseTo(want, 3);
  expect(expected[2]!).toBeLessThan(expected[0]!);
});
