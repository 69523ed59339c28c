// A convolutional network of your own in 60 lines, trained as a ViT is: node --import tsx examples/customCnn.ts [FOLDER]
//
// The trainer asks a model for a forward pass and no more: running statistics, average, saving and resuming are the library's.
// The images are noise with a bright bar, lying or upright.

import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as vit from 'tfjs-vit/node';

const size = 16;
const scope = { path: '', rng: new vit.Rng(1) };

/** [B, 16, 16, 1] → [B, 2]. Parameters have the names of the parts: `conv1.weight`, `bn1.running_mean`. */
class Cnn extends vit.Module {
  readonly conv1 = this.child('conv1', conv('conv1', 1, 8));
  readonly bn1 = this.child('bn1', new vit.BatchNorm({ dim: 8 }, { path: 'bn1' }));
  readonly conv2 = this.child('conv2', conv('conv2', 8, 16));
  readonly bn2 = this.child('bn2', new vit.BatchNorm({ dim: 16 }, { path: 'bn2' }));
  readonly head = this.child('head', linear('head', 16, 2));

  forward(images: tf.Tensor4D, context: vit.ForwardContext = {}): tf.Tensor2D {
    return tf.tidy(() => {
      let x = tf.relu(this.bn1.forward(this.conv1.forward(images, context), context));
      x = tf.relu(this.bn2.forward(this.conv2.forward(tf.maxPool(x, 2, 2, 0), context), context));
      return this.head.forward(tf.mean(x, [1, 2]), context) as tf.Tensor2D;
    });
  }
}

function conv(name: string, inChannels: number, outChannels: number): vit.Conv2d {
  const config = { inChannels, outChannels, kernelSize: 3, padding: 1 };
  return new vit.Conv2d(config, vit.inside(scope, name));
}

function linear(name: string, inFeatures: number, outFeatures: number): vit.Linear {
  return new vit.Linear({ inFeatures, outFeatures }, vit.inside(scope, name));
}

function bars(count: number, seed: number): vit.MemoryDataset {
  const rng = new vit.Rng(seed);
  const images = Uint8Array.from({ length: count * size * size }, () => rng.integer(100));
  const labels = Uint8Array.from({ length: count }, () => rng.integer(2));
  labels.forEach((label, image) => {
    const [start, step] = label === 0 ? [rng.integer(size) * size, 1] : [rng.integer(size), size];
    for (let i = 0; i < size; i += 1) images[image * size * size + start + i * step]! += 155;
  });
  const classNames = ['lying', 'upright'];
  return new vit.MemoryDataset({ images, labels, imageShape: [size, size, 1], classNames });
}

console.log((await vit.selectBackend()).reason);
const outputDir = path.join(process.argv[2] ?? 'runs', 'customCnn');
const data = {
  train: bars(640, 1),
  validation: bars(256, 2),
  normalize: { mean: [0.3], std: [0.3] },
};
const model = new Cnn();
const { best } = await vit.trainInFolder(
  { epochs: 2, batchSize: 32, learningRate: 0.05, optimizer: { opt: 'sgd', weightDecay: 1e-4 } },
  { ...data, model, outputDir, overwrite: true, tensorboard: false }, // overwrite: the example can be run again
);
console.log(`${model.countParameters()} parameters, ${(100 * best!['top1']!).toFixed(1)} % right`);
