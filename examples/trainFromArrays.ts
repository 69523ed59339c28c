// Training a small model on images of your own, given as plain arrays: node --import tsx examples/trainFromArrays.ts [FOLDER]
//
// Here the images are noise with a bright bar, and the classes are its two directions. Two seconds on two cores.

import path from 'node:path';
import {
  Loader,
  MemoryDataset,
  Rng,
  VisionTransformer,
  evaluate,
  selectBackend,
  trainInFolder,
} from 'tfjs-vit/node';

const size = 16;
const classNames = ['lying', 'upright'];

/** `count` images of [16, 16, 1], 0 … 255, and their labels. */
function bars(count: number, seed: number): MemoryDataset {
  const rng = new Rng(seed);
  const images = Uint8Array.from({ length: count * size * size }, () => rng.integer(100));
  const labels = Uint8Array.from({ length: count }, () => rng.integer(2));
  labels.forEach((label, image) => {
    const place = rng.integer(size);
    for (let i = 0; i < size; i += 1) {
      const [y, x] = label === 0 ? [place, i] : [i, place];
      images[(image * size + y) * size + x]! += 155;
    }
  });
  return new MemoryDataset({ images, labels, imageShape: [size, size, 1], classNames });
}

const folder = process.argv[2] ?? 'runs';
console.log((await selectBackend()).reason);

const normalize = { mean: [0.3], std: [0.3] };
const model = new VisionTransformer({
  imageSize: size,
  patchSize: 4,
  inChannels: 1,
  numClasses: classNames.length,
  embedDim: 48,
  depth: 2,
  numHeads: 4,
  weightInit: 'jax',
});
const result = await trainInFolder(
  { epochs: 2, batchSize: 32, learningRate: 3e-3, schedule: { warmupEpochs: 0.5 } },
  {
    outputDir: path.join(folder, 'bars'),
    overwrite: true, // so that the example can be run again; without it a run that is there is refused
    model,
    train: bars(640, 1),
    validation: bars(256, 2),
    normalize,
    tensorboard: false,
  },
);
console.log(`Best epoch: ${result.best?.epoch}, saved in ${path.join(folder, 'bars')}`);

const loader = new Loader({ dataset: bars(512, 3), batchSize: 64, normalize });
const { top1, perClass } = await evaluate(model, loader);
console.log(`New images: ${(100 * top1).toFixed(1)} % right`);
perClass.forEach(({ correct, images }, k) =>
  console.log(`  ${classNames[k]}: ${correct} of ${images}`),
);
model.dispose();
