// A data set of your own under a name, trained on by a model of a config: node --import tsx examples/ownDataset.ts [FOLDER]
//
// `registerDataset` makes it known to configs and commands: a config module that imports this file may say
// `data: { dataset: 'bars' }`. Here the images are noise with a bright bar that lies or stands. Two seconds on two cores.

import path from 'node:path';
import {
  Loader,
  MemoryDataset,
  Rng,
  buildModel,
  datasetDescriptor,
  evaluate,
  registerDataset,
  selectBackend,
  trainInFolder,
  type DatasetDescriptor,
  type DatasetPart,
} from 'tfjs-vit/node';

const size = 16;
const classNames = ['lying', 'standing'];
const parts: Record<DatasetPart, [count: number, seed: number]> = {
  train: [640, 1],
  validation: [256, 2],
  test: [512, 3],
};

const bars: DatasetDescriptor = {
  name: 'bars',
  title: 'Bars',
  parts: ['train', 'validation', 'test'],
  classNames,
  inputChannels: 1,
  normalize: { mean: [0.3], std: [0.3] },
  // Any object with length, image(index) and label(index) would do; it may read files.
  open: ({ part }) => Promise.resolve(drawBars(...parts[part])),
};
registerDataset(bars);

function drawBars(count: number, seed: number): MemoryDataset {
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

const folder = path.join(process.argv[2] ?? 'runs', 'ownDataset');
console.log((await selectBackend()).reason);

const descriptor = datasetDescriptor('bars');
const { normalize } = descriptor;
const model = buildModel({
  imageSize: size,
  patchSize: 4,
  inChannels: 1,
  numClasses: classNames.length,
  embedDim: 48,
  depth: 2,
  numHeads: 4,
  weightInit: 'jax',
});
await trainInFolder(
  { epochs: 2, batchSize: 32, learningRate: 3e-3, schedule: { warmupEpochs: 0.5 } },
  {
    outputDir: folder,
    model,
    train: await descriptor.open({ part: 'train' }),
    validation: await descriptor.open({ part: 'validation' }),
    normalize,
    tensorboard: false,
  },
);
const loader = new Loader({
  dataset: await descriptor.open({ part: 'test' }),
  batchSize: 64,
  normalize,
});
const { top1 } = await evaluate(model, loader);
console.log(`New images: ${(100 * top1).toFixed(1)} % right`);
model.dispose();
