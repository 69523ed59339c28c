// The encoding of images by a model of any family: tokens, one vector an image, feature maps of layers, logits.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../core/context.ts';
import type { Model } from './model.ts';

/**
 * The encoding of a batch of images. The tensors are the caller's.
 *
 * @property tokens    [B, N, C], after the last layer; the places of a feature map row by row, behind a class token where there is one
 * @property pooled    [B, D], one vector an image: what the family's texts call the feature vector
 * @property features  [B, h, w, C] of each layer that was asked for, by its name
 * @property logits    [B, K] where the model has classes, [B, Q, K] of a detector
 */
export type Encoding = {
  tokens: tf.Tensor3D;
  pooled: tf.Tensor2D;
  features: Record<string, tf.Tensor4D>;
  logits?: tf.Tensor;
};

/**
 * The options of encoding, besides the context of the forward pass.
 *
 * @property layers  names of layers whose feature maps are wanted; default none
 * @property mask    [B, H, W], 1 where an image is and 0 in its padding, for a family that takes images of several sizes
 */
export interface EncodeOptions {
  layers?: readonly string[];
  mask?: tf.Tensor3D | undefined;
}

/**
 * The encoder of a model family, as `ModelFamily.encoder` has it.
 *
 * @property approach    in a few words, for a table: `Transformer over patches`
 * @property layers      the names of the layers that have a feature map, from the images to the last
 * @property vectorSize  D of the pooled vector
 * @property encode      runs the model once on [B, H, W, C] and gives what was asked for
 */
export interface FamilyEncoder<C extends object = object, M extends Model = Model> {
  readonly approach: string;
  layers(config: C): readonly string[];
  vectorSize(config: C): number;
  encode(model: M, images: tf.Tensor4D, options: EncodeOptions & ForwardContext): Encoding;
}
