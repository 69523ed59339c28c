// ImageNet from scratch with DeiT's recipe: the whole experiment on one page. `npm run train:imagenet` runs it; flags after `--` win
// over it.

import type { ExperimentConfig } from '../lib/node.ts';

/**
 * DeiT-B as its main.py trains it. `--model vit_tiny_16_224` takes a smaller model, `--data-path DIR` says where train/ and val/ are.
 *
 * The model's classes are those of the data. The learning rate is that of 512 images an update, scaled to those there are.
 */
export const config = {
  name: 'deit',
  model: { name: 'deit_base_patch16_224', dropPathRate: 0.1 },
  data: {
    dataset: 'ImageNet',
    augment: {
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
    },
  },
  epochs: 300,
  batchSize: 64,
  learningRate: 5e-4,
  lrBaseSize: 512,
  smoothing: 0.1,
  optimizer: { opt: 'adamw', weightDecay: 0.05, betas: [0.9, 0.999], epsilon: 1e-8 },
  schedule: { sched: 'cosine', warmupEpochs: 5, warmupLr: 1e-6, minLr: 1e-5, stepOnEpochs: true },
  ema: { decay: 0.99996 },
  dropLast: true,
} satisfies ExperimentConfig;
