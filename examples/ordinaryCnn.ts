// An ordinary TensorFlow.js program, a small CNN with batch norm and `model.fit`, on the native backend or without it:
//   node --import tsx examples/ordinaryCnn.ts [native|cpu]
//
// Nothing in it knows tfjs-vit but the one import. The images are noise with a bright bar, and the classes are its two directions.

import * as tf from '@tensorflow/tfjs';

// In a program of yours: import 'tfjs-vit/native';
if (process.argv[2] !== 'cpu') await import('../lib/backends/native/node.ts');
await tf.ready();

const [count, size] = [128, 28];
const labels = tf.cast(tf.mod(tf.range(0, count), 2), 'int32');
const noise = tf.randomUniform([count, size, size, 1], 0, 0.4, 'float32', 1);
const bars = tf.tidy(() => {
  const lying = tf
    .oneHot(tf.randomUniform([count], 0, size, 'int32', 2), size)
    .reshape([count, size, 1, 1]);
  const upright = tf.transpose(lying, [0, 2, 1, 3]);
  const isLying = tf.equal(labels, 0).reshape([count, 1, 1, 1]);
  return tf.where(isLying, tf.tile(lying, [1, 1, size, 1]), tf.tile(upright, [1, size, 1, 1]));
});
const images = tf.clipByValue(tf.add(noise, bars), 0, 1);

const seeded = (seed: number) => tf.initializers.glorotUniform({ seed });
const model = tf.sequential();
for (const [i, filters] of [8, 16].entries()) {
  const shape = i === 0 ? { inputShape: [size, size, 1] } : {};
  const kernelInitializer = seeded(i);
  model.add(
    tf.layers.conv2d({ ...shape, filters, kernelSize: 3, padding: 'same', kernelInitializer }),
  );
  model.add(tf.layers.batchNormalization());
  model.add(tf.layers.activation({ activation: 'relu' }));
  model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
}
model.add(tf.layers.flatten());
model.add(tf.layers.dense({ units: 2, activation: 'softmax', kernelInitializer: seeded(2) }));
model.compile({ optimizer: tf.train.adam(0.003), loss: 'categoricalCrossentropy' });

const began = performance.now();
await model.fit(images, tf.oneHot(labels, 2), {
  epochs: 4,
  batchSize: 32,
  shuffle: false,
  verbose: 0,
  callbacks: {
    onEpochEnd: (epoch, logs) =>
      console.log(`epoch ${epoch + 1}: loss ${logs?.['loss']?.toFixed(4)}`),
  },
});
const seconds = (performance.now() - began) / 1000;
console.log(`${tf.getBackend()}: ${seconds.toFixed(2)} s`);
