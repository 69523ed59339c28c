// The options and the results of a forward pass that keeps the tokens between blocks.

import type * as tf from '@tensorflow/tfjs';

/** The options of `forwardIntermediates`, besides the context. */
export interface IntermediatesOptions {
  /** Block numbers, negative ones from the end; a number n: the last n blocks; default every block. */
  indices?: number | readonly number[];
  /** True: the final norm is applied to each result. */
  norm?: boolean;
  /** Patch tokens as [B, P, C] or as [B, h, w, C]. */
  output?: 'NLC' | 'NHWC';
}

/** The results of `forwardIntermediates`. */
export interface Intermediates {
  /** The final features, [B, N, C], as `forwardFeatures` gives them. */
  features: tf.Tensor3D;
  /** Patch tokens after each block asked for, in the order of the blocks. */
  intermediates: tf.Tensor[];
  /** Prefix tokens after the same blocks, [B, prefix, C]. */
  prefixTokens: tf.Tensor3D[];
}
