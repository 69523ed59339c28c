// A Vision Transformer as an encoder of images: tokens, the pooled vector, the patches of blocks as feature maps.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import type { ForwardContext } from '../../core/context.ts';
import { InputError, expected } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import type { EncodeOptions, Encoding, FamilyEncoder } from '../encoding.ts';
import type { VisionTransformerConfig } from './config.ts';
import type { VisionTransformer } from './visionTransformer.ts';

/** A Vision Transformer's encoder: its layers are `blocks.0` … , its vector the input of the head. */
export const vitEncoder: FamilyEncoder<VisionTransformerConfig, VisionTransformer> = {
  approach: 'Transformer over patches',
  layers: blockLayers,
  vectorSize: ({ embedDim }) => embedDim,
  encode: encodeImages,
};

/** The names of the blocks as layers. */
export function blockLayers({ depth }: Pick<VisionTransformerConfig, 'depth'>): string[] {
  return Array.from({ length: depth }, (_, i) => `blocks.${i}`);
}

/** The numbers of the blocks of these names. @throws InputError for a name that is none of the blocks */
export function blockIndices(
  layers: readonly string[],
  config: Pick<VisionTransformerConfig, 'depth'>,
): number[] {
  const known = blockLayers(config);
  return layers.map((layer) => {
    const index = known.indexOf(layer);
    if (index >= 0) return index;
    const remedy = didYouMean(String(layer), known, `Layers: ${known.join(', ')}.`);
    throw new InputError(expected('a layer of the model', 'layers', layer, remedy));
  });
}

/** The tokens, feature maps of blocks, pooled vectors and logits of images [B, H, W, I]. */
export function encodeImages(
  model: VisionTransformer,
  images: tf.Tensor4D,
  { layers = [], mask, ...context }: EncodeOptions & ForwardContext = {},
): Encoding {
  if (mask !== undefined) {
    throw new InputError(expected('no mask', 'mask', 'one', 'A ViT sees whole images alone.'));
  }
  if (model.globalPool === '') {
    const what = "a model with one vector an image, globalPool other than ''";
    throw new InputError(expected(what, 'model', "globalPool ''"));
  }
  const indices = blockIndices(layers, model.config);
  return t.tidy(() => {
    const options = { indices, output: 'NHWC' as const, ...context };
    const { features: tokens, intermediates } = model.forwardIntermediates(images, options);
    const maps = [...new Set(indices)].sort((a, b) => a - b).map((i) => `blocks.${i}`);
    const features = Object.fromEntries(
      maps.map((name, i) => [name, intermediates[i] as tf.Tensor4D]),
    );
    const pooled = model.forwardHead(tokens, { preLogits: true, ...context });
    return {
      tokens,
      pooled,
      features,
      ...(model.numClasses > 0 && { logits: model.forwardHead(tokens, context) }),
    };
  });
}
