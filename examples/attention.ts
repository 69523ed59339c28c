// Attention maps of every layer and head for one image: node --import tsx examples/attention.ts [FOLDER]

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  MNIST_CLASSES,
  MNIST_NORMALIZATION,
  loadMnist,
  loadModel,
  mnistDataset,
  normalizeInto,
  selectBackend,
  visualizeAttention,
} from 'tfjs-vit/node';

const folder = process.argv[2] ?? 'imgs';
console.log((await selectBackend()).reason);

const model = await loadModel('checkpoints/mnist-vit');
const picture = mnistDataset(await loadMnist({ split: 'test', limit: 1 })).image(0);
const pixels = new Float32Array(picture.data.length);
normalizeInto(picture, MNIST_NORMALIZATION, pixels, 0);

const { png, prediction } = await visualizeAttention({
  model,
  pixels,
  picture,
  classNames: MNIST_CLASSES,
});
if (prediction !== undefined) {
  const { className, confidence } = prediction;
  console.log(`It is a ${className}, ${(100 * confidence).toFixed(1)} % sure.`);
}

await mkdir(folder, { recursive: true });
await writeFile(path.join(folder, 'attention.png'), png);
model.dispose();
