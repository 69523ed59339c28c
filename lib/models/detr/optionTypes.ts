// The configuration of a DETR as a type. Written by `npm run options` from the tables beside it: change those.

import type { ResNetConfig, ResNetOptions } from '../resnet/config.ts';

/**
 * Everything that decides a DETR, complete: what is stored beside its weights, but for the key
 * `family`.
 */
export interface DetrFields {
  /**
   * [height, width] of the images in pixels; the model takes others too. 2 integers ≥ 1 and ≤
   * 65536. Default [800,1066].
   */
  readonly imageSize: readonly [number, number];
  /** Channels of the images. An integer ≥ 1 and ≤ 65536. Default 3. */
  readonly inChannels: number;
  /**
   * Classes, without 'no object', which is the last logit. An integer ≥ 1 and ≤ 65536. Default
   * 91.
   */
  readonly numClasses: number;
  /**
   * The ResNet before the transformer: options of a ResNet, or a size by `name`; the last of its
   * stages gives the feature map. Default {"name":"resnet50","frozenNorm":true}.
   */
  readonly backbone: ResNetConfig;
  /** C, the channels of the transformer. An integer ≥ 1 and ≤ 65536. Default 256. */
  readonly dModel: number;
  /** Layers of the encoder. An integer ≥ 1 and ≤ 64. Default 6. */
  readonly encoderLayers: number;
  /** Layers of the decoder. An integer ≥ 1 and ≤ 64. Default 6. */
  readonly decoderLayers: number;
  /** Heads of the encoder. An integer ≥ 1 and ≤ 65536. Default 8. */
  readonly encoderAttentionHeads: number;
  /** Heads of the decoder. An integer ≥ 1 and ≤ 65536. Default 8. */
  readonly decoderAttentionHeads: number;
  /** Hidden channels of the encoder. An integer ≥ 1 and ≤ 65536. Default 2048. */
  readonly encoderFfnDim: number;
  /** Hidden channels of the decoder. An integer ≥ 1 and ≤ 65536. Default 2048. */
  readonly decoderFfnDim: number;
  /** Object queries: the most objects of an image. An integer ≥ 1 and ≤ 65536. Default 100. */
  readonly numQueries: number;
  /** Dropout after attention and after the MLP. A finite number ≥ 0 and ≤ 0.999. Default 0.1. */
  readonly dropout: number;
  /** Dropout on the attention. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly attentionDropout: number;
  /** Dropout inside the MLP. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly activationDropout: number;
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed: number;
}

/** A part of a configuration; the rest has the defaults of the paper. */
export interface DetrOptions {
  /**
   * [height, width] of the images in pixels; the model takes others too. 2 integers ≥ 1 and ≤
   * 65536. Default [800,1066].
   */
  readonly imageSize?: number | readonly [number, number];
  /** Channels of the images. An integer ≥ 1 and ≤ 65536. Default 3. */
  readonly inChannels?: number;
  /** As `inChannels`. */
  readonly numChannels?: number;
  /**
   * Classes, without 'no object', which is the last logit. An integer ≥ 1 and ≤ 65536. Default
   * 91.
   */
  readonly numClasses?: number;
  /**
   * The ResNet before the transformer: options of a ResNet, or a size by `name`; the last of its
   * stages gives the feature map. Default {"name":"resnet50","frozenNorm":true}.
   */
  readonly backbone?: ResNetOptions & { readonly name?: string };
  /** C, the channels of the transformer. An integer ≥ 1 and ≤ 65536. Default 256. */
  readonly dModel?: number;
  /** Layers of the encoder. An integer ≥ 1 and ≤ 64. Default 6. */
  readonly encoderLayers?: number;
  /** Layers of the decoder. An integer ≥ 1 and ≤ 64. Default 6. */
  readonly decoderLayers?: number;
  /** Heads of the encoder. An integer ≥ 1 and ≤ 65536. Default 8. */
  readonly encoderAttentionHeads?: number;
  /** Heads of the decoder. An integer ≥ 1 and ≤ 65536. Default 8. */
  readonly decoderAttentionHeads?: number;
  /** Hidden channels of the encoder. An integer ≥ 1 and ≤ 65536. Default 2048. */
  readonly encoderFfnDim?: number;
  /** Hidden channels of the decoder. An integer ≥ 1 and ≤ 65536. Default 2048. */
  readonly decoderFfnDim?: number;
  /** Object queries: the most objects of an image. An integer ≥ 1 and ≤ 65536. Default 100. */
  readonly numQueries?: number;
  /** Dropout after attention and after the MLP. A finite number ≥ 0 and ≤ 0.999. Default 0.1. */
  readonly dropout?: number;
  /** Dropout on the attention. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly attentionDropout?: number;
  /** Dropout inside the MLP. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly activationDropout?: number;
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed?: number;
}
