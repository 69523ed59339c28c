// The configuration of a ResNet as a type. Written by `npm run options` from the tables beside it: change those.

/**
 * Everything that decides a ResNet, complete: what is stored beside its weights, but for the key
 * `family`.
 */
export interface ResNetFields {
  /**
   * [height, width] of the images in pixels; the model takes others too. 2 integers ≥ 1 and ≤
   * 65536. Default [224,224].
   */
  readonly imageSize: readonly [number, number];
  /** Channels of the images. An integer ≥ 1 and ≤ 65536. Default 3. */
  readonly inChannels: number;
  /**
   * Classes; 0: no head, the logits are the pooled features. An integer ≥ 0 and ≤ 65536. Default
   * 1000.
   */
  readonly numClasses: number;
  /** Blocks of each stage, of one to four. A list of integers ≥ 1 and ≤ 256. Default [2,2,2,2]. */
  readonly layers: readonly number[];
  /**
   * Channels of the 3×3 convolutions of each stage; the stem has those of the first. A list of
   * integers ≥ 1 and ≤ 8192. Default [64,128,256,512].
   */
  readonly planes: readonly number[];
  /**
   * Blocks of two 3×3 convolutions (ResNet-18, -34), or of a 1×1, a 3×3 and a 1×1 to four times
   * the channels (ResNet-50 and larger). Default "basic".
   */
  readonly block?: 'basic' | 'bottleneck';
  /**
   * Channels of the stem, where they are not those of the first stage. An integer ≥ 1 and ≤
   * 65536.
   */
  readonly stemWidth: number;
  /**
   * true: the norms keep their statistics, gains and offsets, while training too, as a
   * detector's backbone has them. Default false.
   */
  readonly frozenNorm?: boolean;
  /**
   * true: the stem is a 3×3 convolution of stride 1 without pooling, for images such as those of
   * MNIST and CIFAR, in place of a 7×7 convolution of stride 2 and a pooling; follows
   * `imageSize` unless it is given: true up to 64 pixels.
   */
  readonly smallInput: boolean;
  /**
   * true: the last norm of each block starts at 0, so that the block is the identity. Default
   * false.
   */
  readonly zeroInitResidual: boolean;
  /** Dropout before the head. A finite number ≥ 0 and ≤ 0.999. Default 0. Flag `--drop`. */
  readonly dropRate: number;
  /**
   * Stochastic depth of the last block; the first has 0. A finite number ≥ 0 and ≤ 0.999.
   * Default 0. Flag `--drop-path`.
   */
  readonly dropPathRate: number;
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed: number;
}

/** A part of a configuration; the rest has the defaults of torchvision. */
export interface ResNetOptions {
  /**
   * [height, width] of the images in pixels; the model takes others too. 2 integers ≥ 1 and ≤
   * 65536. Default [224,224].
   */
  readonly imageSize?: number | readonly [number, number];
  /** Channels of the images. An integer ≥ 1 and ≤ 65536. Default 3. */
  readonly inChannels?: number;
  /** As `inChannels`. */
  readonly numChannels?: number;
  /**
   * Classes; 0: no head, the logits are the pooled features. An integer ≥ 0 and ≤ 65536. Default
   * 1000.
   */
  readonly numClasses?: number;
  /** Blocks of each stage, of one to four. A list of integers ≥ 1 and ≤ 256. Default [2,2,2,2]. */
  readonly layers?: readonly number[];
  /**
   * Channels of the 3×3 convolutions of each stage; the stem has those of the first. A list of
   * integers ≥ 1 and ≤ 8192. Default [64,128,256,512].
   */
  readonly planes?: readonly number[];
  /**
   * Blocks of two 3×3 convolutions (ResNet-18, -34), or of a 1×1, a 3×3 and a 1×1 to four times
   * the channels (ResNet-50 and larger). Default "basic".
   */
  readonly block?: 'basic' | 'bottleneck';
  /**
   * Channels of the stem, where they are not those of the first stage. An integer ≥ 1 and ≤
   * 65536.
   */
  readonly stemWidth?: number;
  /**
   * true: the norms keep their statistics, gains and offsets, while training too, as a
   * detector's backbone has them. Default false.
   */
  readonly frozenNorm?: boolean;
  /**
   * true: the stem is a 3×3 convolution of stride 1 without pooling, for images such as those of
   * MNIST and CIFAR, in place of a 7×7 convolution of stride 2 and a pooling; follows
   * `imageSize` unless it is given: true up to 64 pixels.
   */
  readonly smallInput?: boolean | null;
  /**
   * true: the last norm of each block starts at 0, so that the block is the identity. Default
   * false.
   */
  readonly zeroInitResidual?: boolean;
  /** Dropout before the head. A finite number ≥ 0 and ≤ 0.999. Default 0. Flag `--drop`. */
  readonly dropRate?: number;
  /**
   * Stochastic depth of the last block; the first has 0. A finite number ≥ 0 and ≤ 0.999.
   * Default 0. Flag `--drop-path`.
   */
  readonly dropPathRate?: number;
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed?: number;
}
