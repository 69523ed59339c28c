// A picture of the position embedding that a model has learned: node --import tsx examples/positionEmbedding.ts [FOLDER]
//
// One small map for each patch, at the patch's place: the cosine similarity of its position embedding with those of all patches.
// In a trained model a patch is like its neighbours, its row and its column (Dosovitskiy et al. 2021, figure 7).

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { colorAt, contactSheet, loadModel, makeImage, selectBackend, vit } from 'tfjs-vit/node';

const folder = process.argv[2] ?? 'imgs';
console.log((await selectBackend()).reason);

const model = await loadModel('checkpoints/mnist-vit', { family: vit });
const values = await model.posEmbed!.data(); // [1, N, C], learned; the class token's comes first
const [rows, columns] = model.gridSize;
const { embedDim } = model.config;
const embedding = (patch: number) => {
  const from = (model.numPrefixTokens + patch) * embedDim;
  return values.subarray(from, from + embedDim);
};
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
};
const similarity = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

const patches = Array.from({ length: rows * columns }, (_, patch) => patch);
const tiles = patches.map((here) => {
  const data = new Uint8Array(3 * patches.length);
  for (const there of patches) {
    const value = similarity(embedding(here), embedding(there));
    data.set(colorAt('blueRed', (value + 1) / 2), 3 * there);
  }
  return { image: makeImage(columns, rows, 3, data) };
});

await mkdir(folder, { recursive: true });
const png = await contactSheet({
  tiles,
  columns,
  title: 'Similarity of position embeddings',
  subtitle: 'Cosine: red 1, white 0, blue −1',
});
await writeFile(path.join(folder, 'position_embedding.png'), png);
model.dispose();
