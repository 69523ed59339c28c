// The options of a ResNet, each said once.

import { classifierOptions, count, rate, size } from '../sharedOptions.ts';
import type { OptionTable } from '../../core/option.ts';

/** The fields of `ResNetConfig`, with the defaults of torchvision: ResNet-18 at 224 pixels. */
export const resNetOptions = {
  imageSize: {
    ...size,
    describe: '[height, width] of the images in pixels; the model takes others too',
    aliases: ['img_size', 'input_size'],
    default: [224, 224],
  },
  ...classifierOptions,
  layers: {
    type: 'integers',
    describe: 'Blocks of each stage, of one to four',
    min: 1,
    max: 256,
    default: [2, 2, 2, 2],
  },
  planes: {
    type: 'integers',
    describe: 'Channels of the 3×3 convolutions of each stage; the stem has those of the first',
    min: 1,
    max: 8192,
    default: [64, 128, 256, 512],
  },
  block: {
    type: 'string',
    describe:
      'Blocks of two 3×3 convolutions (ResNet-18, -34), or of a 1×1, a 3×3 and a 1×1 to four times the channels (ResNet-50 and larger)',
    choices: ['basic', 'bottleneck'],
    default: 'basic',
    sparse: true,
  },
  stemWidth: {
    ...count,
    describe: 'Channels of the stem, where they are not those of the first stage',
    aliases: ['embedding_size'],
  },
  frozenNorm: {
    type: 'boolean',
    describe:
      "true: the norms keep their statistics, gains and offsets, while training too, as a detector's backbone has them",
    default: false,
    sparse: true,
  },
  smallInput: {
    type: 'boolean',
    describe:
      'true: the stem is a 3×3 convolution of stride 1 without pooling, for images such as those of MNIST and CIFAR, in place of a 7×7 convolution of stride 2 and a pooling; follows `imageSize` unless it is given: true up to 64 pixels',
    given: 'boolean | null',
  },
  zeroInitResidual: {
    type: 'boolean',
    describe: 'true: the last norm of each block starts at 0, so that the block is the identity',
    default: false,
  },
  dropRate: {
    ...rate,
    describe: 'Dropout before the head',
    aliases: ['drop'],
    flag: { name: 'drop', value: 'X' },
  },
  dropPathRate: {
    ...rate,
    describe: 'Stochastic depth of the last block; the first has 0',
    aliases: ['drop_path'],
    flag: { name: 'drop-path', value: 'X', describe: 'Stochastic depth of the last block' },
  },
  seed: { type: 'integer', describe: 'Seed of the initial weights', min: 0, default: 0 },
} as const satisfies OptionTable;
