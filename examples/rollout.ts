// Attention rollout, laid over an image: node --import tsx examples/rollout.ts [FOLDER]

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  Capture,
  MNIST_NORMALIZATION,
  attentionRollout,
  loadMnist,
  loadModel,
  mnistDataset,
  normalizeInto,
  overlay,
  patchGrid,
  readAttention,
  selectBackend,
  vit,
} from 'tfjs-vit/node';

const folder = process.argv[2] ?? 'imgs';
console.log((await selectBackend()).reason);

const model = await loadModel('checkpoints/mnist-vit', { family: vit });
const image = mnistDataset(await loadMnist({ split: 'test', limit: 1 })).image(0);
const pixels = new Float32Array(image.data.length);
normalizeInto(image, MNIST_NORMALIZATION, pixels, 0);

// A forward pass that captures the attention of every block.
const capture = new Capture(['blocks.*.attn_probs']);
tf.tidy(() => model.forward(tf.tensor4d(pixels, [1, 28, 28, 1]), { intercept: capture }));
const attentions = await readAttention(capture);
capture.dispose();

// The share of each patch in the class token (token 0) at the end, if attention alone moved information.
const rows = attentionRollout(attentions, { queries: [0], headFusion: 'max', discardRatio: 0.3 });
const grid = patchGrid(rows);
for (let row = 0; row < grid.height; row += 1) {
  const shares = grid.data.subarray(row * grid.width, (row + 1) * grid.width);
  console.log([...shares].map((share) => `${(100 * share).toFixed(1)} %`.padStart(7)).join(' '));
}

await mkdir(folder, { recursive: true });
const png = await overlay({ image, grid, title: 'Attention rollout', format: 'percent' });
await writeFile(path.join(folder, 'rollout.png'), png);
model.dispose();
