// The whole story on one page: the data, the budgets and the model. `npm run story:fractal -- --quick` takes the small one.

import { MNIST_NORMALIZATION, type TrainConfig } from 'tfjs-vit/node';

/** The model of `mnist/config.ts`, whose head is the only part that knows the classes. */
export const model = {
  imageSize: 28,
  patchSize: 7,
  inChannels: 1,
  embedDim: 96,
  depth: 4,
  numHeads: 3,
  classToken: false,
  globalPool: 'avg',
  weightInit: 'jax',
} as const;

/** How a training begins: from random weights, or pre-trained. */
export const starts = ['scratch', 'OFDB', 'FractalDB'] as const;
export type Start = (typeof starts)[number];

/**
 * The size of everything, counted in images that pass through the trainer, augmented copies among them.
 *
 * @property seeds          each draws other labelled images, another head and another order
 * @property selectionSeed  of the runs that choose a learning rate on validation images
 * @property pretrain       images of one pre-training, in how many epochs
 * @property finetune       labelled images of a class, and images of one training with them
 * @property epochs         evaluations of a fine-tuning on the validation images
 */
export interface Plan {
  seeds: readonly number[];
  selectionSeed: number;
  learningRates: readonly number[];
  categories: number;
  pretrain: { images: number; epochs: number };
  finetune: readonly { perClass: number; images: number }[];
  epochs: number;
  validation: number;
  test: number;
}

export const full: Plan = {
  seeds: [0, 1, 2],
  selectionSeed: 3,
  learningRates: [1e-3, 3e-3],
  categories: 200,
  pretrain: { images: 400_000, epochs: 10 },
  finetune: [
    { perClass: 10, images: 8000 },
    { perClass: 100, images: 20_000 },
    { perClass: 1000, images: 50_000 },
  ],
  epochs: 4,
  validation: 2000,
  test: 10_000,
};

export const quick: Plan = {
  seeds: [0, 1],
  selectionSeed: 3,
  learningRates: [2e-3],
  categories: 60,
  pretrain: { images: 64_000, epochs: 4 },
  finetune: [
    { perClass: 10, images: 3000 },
    { perClass: 100, images: 6000 },
    { perClass: 1000, images: 12_000 },
  ],
  epochs: 2,
  validation: 500,
  test: 2000,
};

/** Fractals of 40 pixels in the middle of 56, halved to the 20 in 28 of MNIST's digits. A category has 25 variations × 4 flips. */
export const fractals = {
  instances: 100,
  size: 56,
  pad: 8,
  points: 4000,
  draw: 'point_gray',
  channels: 1,
} as const;

// A fractal's grey of 127 enters the model as the white of a digit does.
const [mean, std] = [MNIST_NORMALIZATION.mean[0]!, MNIST_NORMALIZATION.std[0]!];
export const fractalNormalization = { mean: [(mean * 127) / 255], std: [(std * 127) / 255] };

/** Augmentation of the fractals, the same for both data sets: one picture of a category has to stand for all it can become. */
export const fractalAugmentation = [
  { name: 'resize', size: 28 },
  { name: 'randomHorizontalFlip', p: 0.5 },
  { name: 'randomVerticalFlip', p: 0.5 },
  { name: 'randomAffine', degrees: 45, translate: 0.1, scale: [0.7, 1.2], shear: 10 },
];

/** Augmentation of the digits: that of `mnist/config.ts`. */
export const digitAugmentation = [
  { name: 'randomAffine', degrees: 8, translate: 0.06, scale: [0.92, 1.08], shear: 4 },
];

/** The options of all trainings: AdamW on half a cosine. */
export const training = {
  batchSize: 32,
  smoothing: 0.1,
  optimizer: { opt: 'adamw', weightDecay: 0.05, betas: [0.9, 0.95] },
  schedule: {
    sched: 'cosine',
    warmupEpochs: 0.2,
    warmupLr: 1e-5,
    minLr: 1e-6,
    stepOnEpochs: false,
  },
  clip: { mode: 'norm', value: 1 },
} as const satisfies Partial<TrainConfig>;

/** The learning rate of the pre-trainings, which nothing is measured of. */
export const pretrainRate = 2e-3;
