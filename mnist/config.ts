// MNIST from scratch: the whole experiment on one page. `npm run train:mnist` runs it; flags after `--` win over it.

import type { ExperimentConfig } from '../lib/node.ts';

// The model options that the digits determine.
const digits = { imageSize: 28, patchSize: 7, inChannels: 1, numClasses: 10 } as const;

/**
 * A plain ViT of 0.45 million parameters: 16 patches of 7 × 7 pixels, 96 wide, 4 deep, their mean classified; Muon on half a
 * cosine, which needs four epochs where AdamW needs ten.
 *
 * Only the augmentation is particular to digits: small affine maps, and no flips.
 */
export const config = {
  name: 'mnist',
  model: {
    ...digits,
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
} satisfies ExperimentConfig;

// The longer recipes keep AdamW.
const adamw = { opt: 'adamw', weightDecay: 0.05, betas: [0.9, 0.95] } as const;

/** Longer trainings by name: `npm run train:mnist -- --recipe mnist-long`. */
export const recipes = {
  /**
   * 0.8 million parameters with a class token, whose attention can be looked at.
   *
   * More epochs need more variety: digits are bent as well, and mapped further.
   */
  'mnist-long': {
    ...config,
    name: 'mnist-long',
    model: { ...digits, embedDim: 128, depth: 4, numHeads: 4, weightInit: 'jax' },
    data: {
      dataset: 'mnist',
      trainTransforms: [
        { name: 'randomElastic', strength: 0.3 },
        { name: 'randomAffine', degrees: 10, translate: 0.08, scale: [0.88, 1.12], shear: 6 },
      ],
    },
    epochs: 30,
    batchSize: 64,
    learningRate: 2e-3,
    optimizer: adamw,
    schedule: { ...config.schedule, warmupEpochs: 1 },
    ema: { decay: 0.999 },
  },
  /**
   * 0.2 million parameters, trained on random subsets of its 16 patches, so that it knows what to answer when patches are missing.
   *
   * Explanations are held against exact Shapley values of this model.
   */
  'mnist-subsets': {
    ...config,
    name: 'mnist-subsets',
    model: {
      ...digits,
      embedDim: 64,
      depth: 4,
      numHeads: 4,
      weightInit: 'jax',
      patchSubsets: true,
    },
    epochs: 6,
    learningRate: 3e-3,
    smoothing: 0,
    optimizer: adamw,
    schedule: { ...config.schedule, warmupEpochs: 0.3 },
  },
} satisfies Record<string, ExperimentConfig>;
