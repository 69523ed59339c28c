// A tiny model whose explanations differ, and models of every layout of tokens.

import * as tf from '@tensorflow/tfjs';
import type { VisionTransformer } from '../../lib/models/vit/visionTransformer.ts';
import type { VisionTransformerOptions } from '../../lib/models/vit/parseConfig.ts';
import { build } from './tinyModel.ts';

/** The tiny model with weights large enough that attention is not uniform and classes differ. */
export function lively(options: VisionTransformerOptions = {}, seed = 3): VisionTransformer {
  const model = build({ depth: 2, ...options });
  for (const [name, parameter] of model.namedParameters()) {
    const scale = name.endsWith('bias') ? 0.1 : name.includes('norm') ? 0.2 : 0.25;
    const noise = tf.mul(tf.randomNormal(parameter.shape, 0, 1, 'float32', seed++), scale);
    parameter.assign(tf.add(parameter, noise));
  }
  return model;
}

/** Models with every layout of tokens. */
export const variants: Record<string, VisionTransformerOptions> = {
  'a class token': {},
  'no prefix token': { classToken: false, globalPool: 'avg' },
  registers: { regTokens: 2 },
  distilled: { distilled: true },
  'a grid that is not square': { imageSize: [16, 24] },
  'patches without positions of the prefix': { regTokens: 1, noEmbedClass: true },
  'layer scale and norms of q and k': { layerScaleInit: 0.5, qkNorm: true },
  'the mean of all tokens': { globalPool: 'avg', poolIncludePrefix: true },
  'pooling by attention': { classToken: false, globalPool: 'map' },
};
