// The family of CLIP, as the registry of models takes it.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import type { ForwardContext } from '../../core/context.ts';
import type { EncodeOptions, Encoding } from '../encoding.ts';
import type { ModelFamily } from '../family.ts';
import { blockLayers, encodeImages } from '../vit/encode.ts';
import { adaptClip } from './adapt.ts';
import { Clip, visualContext } from './clip.ts';
import {
  clipSize,
  clipSizeNamed,
  clipSizes,
  isHuggingFace,
  overriddenClip,
  parseClipConfig,
  type ClipConfig,
} from './config.ts';
import { layerTable } from './layers.ts';

/**
 * CLIP, as OpenAI, OpenCLIP and Hugging Face have it.
 *
 * @example clip.config('clip_vit_base_patch32').projectionDim; // 512
 */
export const clip: ModelFamily<ClipConfig, Clip> = {
  family: 'clip',
  names: () => clipSizes,
  knows: (name) => clipSizeNamed(name) !== undefined,
  notBuilt: (name) => /^(clip|siglip|coca|openai\/clip)[-_]/i.test(name),
  config: clipSize,
  parseConfig: parseClipConfig,
  recognizes: isHuggingFace,
  build: (config, options) => new Clip(config, options),
  layerTable,
  adapt: adaptClip,
  optionsOf: () => undefined,
  override: overriddenClip,
  classifiers: [],
  encoder: {
    approach: 'Contrastive image–text Transformer',
    layers: ({ vision }) => blockLayers(vision),
    vectorSize: ({ projectionDim }) => projectionDim,
    encode,
  },
};

function encode(
  model: Clip,
  images: tf.Tensor4D,
  { layers, mask, ...context }: EncodeOptions & ForwardContext,
): Encoding {
  return t.tidy(() => {
    const ofTower = { layers: layers ?? [], mask, ...visualContext(context) };
    const encoding = encodeImages(model.visual, images, ofTower);
    return { ...encoding, pooled: model.projectImages(encoding.pooled, context) };
  });
}
