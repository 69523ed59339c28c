// Your own arrays in 30 lines: train on them, then ask the model: node --import tsx examples/ownArrays.ts [FOLDER]
//
// Here a picture is a bright line on black, 16 × 16, and the classes are its two directions. One second on two cores.

import path from 'node:path';
import {
  MemoryDataset,
  VisionTransformer,
  makeImage,
  predict,
  selectBackend,
  trainInFolder,
} from 'tfjs-vit/node';

const size = 16;
const line = (upright: boolean, place: number): Uint8Array =>
  Uint8Array.from({ length: size * size }, (_, i) =>
    (upright ? i % size : Math.floor(i / size)) === place ? 255 : 0,
  );

// Levels from 0 to 255, image after image, and a class from 0 for each image.
const labels = Array.from({ length: 640 }, (_, n) => n % 2);
const images = Buffer.concat(labels.map((label, n) => line(label === 1, (n >> 1) % size)));
const classNames = ['lying', 'upright'];
const train = new MemoryDataset({ images, labels, imageShape: [size, size, 1], classNames });

await selectBackend();
const shape = { imageSize: size, patchSize: 4, inChannels: 1, numClasses: classNames.length };
const model = new VisionTransformer({
  ...shape,
  embedDim: 48,
  depth: 2,
  numHeads: 4,
  weightInit: 'jax',
});
const outputDir = path.join(process.argv[2] ?? 'runs', 'lines');
await trainInFolder(
  { epochs: 3, batchSize: 32, learningRate: 3e-3, valSplit: 0.2 },
  { outputDir, overwrite: true, model, train, normalize: { mean: [0.06], std: [0.24] } },
);

// The model knows the normalisation and the class names; loadModel(outputDir) would give it in another program.
const [best] = await predict(model, makeImage(size, size, 1, line(true, 5)));
console.log(`A line that is ${best!.label}, ${(100 * best!.probability).toFixed(0)} % sure`);
model.dispose();
