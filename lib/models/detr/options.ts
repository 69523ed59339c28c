// The options of a DETR, each said once.

import { classifierOptions, count, rate, size } from '../sharedOptions.ts';
import type { OptionTable } from '../../core/option.ts';
import { backboneConfig } from './backbone.ts';

/** The fields of `DetrConfig`, with the defaults of the paper: ResNet-50, six layers of encoder and of decoder. */
export const detrOptions = {
  imageSize: {
    ...size,
    describe: '[height, width] of the images in pixels; the model takes others too',
    aliases: ['img_size', 'input_size'],
    default: [800, 1066],
  },
  inChannels: classifierOptions.inChannels,
  numClasses: {
    ...count,
    describe: "Classes, without 'no object', which is the last logit",
    aliases: ['nb_classes', 'num_labels'],
    default: 91,
  },
  backbone: {
    type: 'any',
    describe:
      'The ResNet before the transformer: options of a ResNet, or a size by `name`; the last of its stages gives the feature map',
    written: 'ResNetConfig',
    given: 'ResNetOptions & { readonly name?: string }',
    parse: backboneConfig,
    default: { name: 'resnet50', frozenNorm: true },
  },
  dModel: {
    ...count,
    describe: 'C, the channels of the transformer',
    aliases: ['hidden_dim'],
    default: 256,
  },
  encoderLayers: {
    ...count,
    describe: 'Layers of the encoder',
    aliases: ['enc_layers'],
    max: 64,
    default: 6,
  },
  decoderLayers: {
    ...count,
    describe: 'Layers of the decoder',
    aliases: ['dec_layers'],
    max: 64,
    default: 6,
  },
  encoderAttentionHeads: {
    ...count,
    describe: 'Heads of the encoder',
    aliases: ['nheads'],
    default: 8,
  },
  decoderAttentionHeads: { ...count, describe: 'Heads of the decoder', default: 8 },
  encoderFfnDim: {
    ...count,
    describe: 'Hidden channels of the encoder',
    aliases: ['dim_feedforward'],
    default: 2048,
  },
  decoderFfnDim: { ...count, describe: 'Hidden channels of the decoder', default: 2048 },
  numQueries: { ...count, describe: 'Object queries: the most objects of an image', default: 100 },
  dropout: { ...rate, describe: 'Dropout after attention and after the MLP', default: 0.1 },
  attentionDropout: { ...rate, describe: 'Dropout on the attention' },
  activationDropout: { ...rate, describe: 'Dropout inside the MLP' },
  seed: { type: 'integer', describe: 'Seed of the initial weights', min: 0, default: 0 },
} as const satisfies OptionTable;
