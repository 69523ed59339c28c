// The named recipes of `tfjs-vit train --recipe NAME`: whole experiments as plain data.

import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { ExperimentConfig } from './experiment.ts';

/** DeiT's augmentation: the defaults of its main.py. */
const deitAugment = {
  aa: 'rand-m9-mstd0.5-inc1',
  colorJitter: 0.3,
  trainInterpolation: 'bicubic',
  reprob: 0.25,
  remode: 'pixel',
  recount: 1,
  mixup: 0.8,
  cutmix: 1,
  mixupProb: 1,
  mixupSwitchProb: 0.5,
  mixupMode: 'batch',
  augRepeats: 3,
  evalCropRatio: 0.875,
} as const;

// DeiT on ImageNet: every default of its main.py. Source: facebookresearch/deit; Touvron et al. 2021.
const deit = {
  name: 'deit',
  model: { name: 'deit_base_patch16_224', dropPathRate: 0.1 },
  data: { dataset: 'ImageNet', augment: deitAugment },
  epochs: 300,
  batchSize: 64,
  learningRate: 5e-4,
  lrBaseSize: 512,
  smoothing: 0.1,
  optimizer: { opt: 'adamw', weightDecay: 0.05, betas: [0.9, 0.999], epsilon: 1e-8 },
  schedule: { sched: 'cosine', warmupEpochs: 5, warmupLr: 1e-6, minLr: 1e-5, stepOnEpochs: true },
  ema: { decay: 0.99996 },
  dropLast: true,
} as const satisfies ExperimentConfig;

// DeiT III, ViT-S on ImageNet; its learning rate is that of 2,048 images an update. Source: README_revenge.md; Touvron et al. 2022.
const deit3 = {
  ...deit,
  name: 'deit3',
  model: { name: 'deit3_small_patch16_224', dropPathRate: 0.05 },
  data: {
    dataset: 'ImageNet',
    augment: {
      threeAugment: true,
      colorJitter: 0.3,
      trainInterpolation: 'bicubic',
      mixup: 0.8,
      cutmix: 1,
      augRepeats: 3,
      evalCropRatio: 1,
    },
  },
  epochs: 800,
  learningRate: 4e-3,
  lrBaseSize: 2048,
  optimizer: { opt: 'lamb', weightDecay: 0.05 },
  loss: 'binary',
  targetThreshold: 0,
  smoothing: 0,
} as const satisfies ExperimentConfig;

// AugReg, ViT-S/16 on ImageNet at "medium2". Source: big_vision's configs/vit_i1k.py; Steiner et al. 2022. Its weight decay, 1e-4 of
// the schedule alone, is 0.1 of a rate of 1e-3, and its 10,000 updates of warm-up are 32 epochs.
const augreg = {
  name: 'augreg',
  model: { name: 'vit_small_patch16_224', weightInit: 'jax' },
  data: {
    dataset: 'ImageNet',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    augment: {
      aa: 'rand-m15-n2-p1-mmax20',
      colorJitter: 0,
      scale: [0.05, 1],
      trainInterpolation: 'bilinear',
      mixup: 0.5,
      evalCropRatio: 0.875,
    },
  },
  epochs: 300,
  batchSize: 64,
  learningRate: 1e-3,
  lrBaseSize: 4096,
  optimizer: { opt: 'adamw', weightDecay: 0.1 },
  schedule: { sched: 'cosine', warmupEpochs: 32, warmupLr: 0, minLr: 0, stepOnEpochs: false },
  clip: { mode: 'norm', value: 1 },
  dropLast: true,
} as const satisfies ExperimentConfig;

// Pre-training on FractalDB, which is rendered while it is trained on: no mirroring, and the last epoch is the best. Source:
// nakashima-kodai/FractalDB-Pretrained-ViT-PyTorch; Nakashima et al. 2022.
const fractaldb = {
  ...deit,
  name: 'fractaldb',
  model: { name: 'vit_tiny_patch16_224', dropPathRate: 0.1 },
  data: { dataset: 'FractalDB-1k', augment: { ...deitAugment, hflip: 0, augRepeats: 1 } },
  ema: null,
} as const satisfies ExperimentConfig;

// Fine-tuning as DeiT's authors did on CIFAR and Cars: SGD, no erasing, no stochastic depth. Source: deit#45.
const finetune = {
  ...deit,
  name: 'finetune',
  model: { name: 'deit_tiny_patch16_224' },
  data: { dataset: 'folder', augment: { ...deitAugment, reprob: 0, augRepeats: 1 } },
  epochs: 100,
  learningRate: 0.01,
  lrBaseSize: 768,
  optimizer: { opt: 'sgd', momentum: 0.9, weightDecay: 1e-4 },
  ema: null,
} as const satisfies ExperimentConfig;

// MNIST from scratch, the page of mnist/config.ts.
const mnist = {
  name: 'mnist',
  model: {
    imageSize: 28,
    patchSize: 7,
    inChannels: 1,
    numClasses: 10,
    embedDim: 96,
    depth: 4,
    numHeads: 3,
    classToken: false,
    globalPool: 'avg',
    weightInit: 'jax',
  },
  data: {
    dataset: 'mnist',
    trainTransforms: [
      { name: 'randomAffine', degrees: 8, translate: 0.06, scale: [0.92, 1.08], shear: 4 },
    ],
  },
  epochs: 4,
  batchSize: 128,
  learningRate: 6e-3,
  smoothing: 0.1,
  optimizer: { opt: 'muon', weightDecay: 0.05, momentum: 0.95, nesterov: true },
  schedule: {
    sched: 'cosine',
    warmupEpochs: 0.15,
    warmupLr: 1e-5,
    minLr: 1e-6,
    stepOnEpochs: false,
  },
  clip: { mode: 'norm', value: 1 },
} as const satisfies ExperimentConfig;

/** The recipes by name. A person's own are the export `recipes` of a config file. */
export const recipes = {
  deit,
  deit3,
  augreg,
  fractaldb,
  finetune,
  mnist,
} as const satisfies Record<string, ExperimentConfig>;

/** The recipe of a name. @throws InputError listing the recipes */
export function recipeNamed(name: string): ExperimentConfig {
  if (Object.hasOwn(recipes, name)) return recipes[name as keyof typeof recipes];
  const names = Object.keys(recipes);
  const remedy = didYouMean(name, names, 'Those of a config file need --config FILE.');
  throw new InputError(expected(`one of ${names.join(', ')}`, '--recipe', name, remedy));
}
