// MNIST from scratch: the whole experiment on one page. `npm run train:mnist` runs it; flags after `--` win over it.

import type { ExperimentConfig } from '../lib/node.ts';

/**
 * A plain ViT of 0.46 million parameters: 16 patches of 7 × 7 pixels, 96 wide, 4 deep, trained with AdamW on half a cosine.
 *
 * Only the augmentation is particular to digits: small affine maps, and no flips.
 */
export const config = {
  name: 'mnist',
  model: {
    imageSize: 28,
    patchSize: 7,
    inChannels: 1,
    numClasses: 10,
    embedDim: 96,
    depth: 4,
    numHeads: 4,
    weightInit: 'jax',
  },
  data: {
    dataset: 'mnist',
    affine: { degrees: 8, translate: 0.06, scale: [0.92, 1.08], shear: 4 },
  },
  epochs: 12,
  batchSize: 64,
  learningRate: 2e-3,
  smoothing: 0.1,
  optimizer: { opt: 'adamw', weightDecay: 0.05 },
  schedule: {
    sched: 'cosine',
    warmupEpochs: 0.3,
    warmupLr: 1e-5,
    minLr: 1e-6,
    stepOnEpochs: false,
  },
  clip: { mode: 'norm', value: 1 },
} satisfies ExperimentConfig;
