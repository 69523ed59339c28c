// A DETR as an encoder of images: the maps of its backbone and of its encoder, and the mean of the encoder's tokens as the vector.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { Capture } from '../../core/capture.ts';
import type { ForwardContext } from '../../core/context.ts';
import { combineInterceptors } from '../../core/intercept.ts';
import type { EncodeOptions, Encoding, FamilyEncoder } from '../encoding.ts';
import { assertLayerNames, stageNames } from '../resnet/encode.ts';
import type { DetrConfig } from './config.ts';
import type { Detr } from './detr.ts';
import { backbonePrefix } from './names.ts';
import { maskOnGrid } from './positions.ts';

/** A DETR's encoder: its layers are the stages of the backbone, `layer1` …, and `encoder`; its vector is the mean of the tokens. */
export const detrEncoder: FamilyEncoder<DetrConfig, Detr> = {
  approach: 'Convolutions, then a Transformer over their map',
  layers: layerNames,
  vectorSize: ({ dModel }) => dModel,
  encode: encodeImages,
};

function layerNames({ backbone }: Pick<DetrConfig, 'backbone'>): string[] {
  return [...stageNames(backbone).slice(1), 'encoder'];
}

/** The tokens after the encoder, feature maps, mean tokens and the logits of all queries, of images [B, H, W, I]. */
export function encodeImages(
  model: Detr,
  images: tf.Tensor4D,
  { layers = [], mask, ...context }: EncodeOptions & ForwardContext = {},
): Encoding {
  assertLayerNames(layers, layerNames(model.config));
  const stages = layers.filter((layer) => layer !== 'encoder');
  const capture = new Capture(stages.map((stage) => backbonePrefix + stage));
  const { intercept: others } = context;
  const intercept = others === undefined ? capture : combineInterceptors(others, capture);
  try {
    return t.tidy(() => {
      const own = stages.length === 0 ? context : { ...context, intercept };
      const { tokens, logits, featureMap } = model.detect(images, { mask, ...own });
      const [batch, height, width] = featureMap.shape;
      const features = layers.map((layer) => [
        layer,
        layer === 'encoder'
          ? t.reshape<tf.Rank.R4>(tokens, [batch, height, width, -1])
          : t.clone(capture.get(backbonePrefix + layer) as tf.Tensor4D),
      ]);
      return {
        tokens,
        pooled: meanToken(tokens, mask && maskOnGrid(t.cast(mask, 'float32'), [height, width])),
        features: Object.fromEntries(features) as Record<string, tf.Tensor4D>,
        logits,
      };
    });
  } finally {
    capture.dispose();
  }
}

// The mean over the tokens that an image covers.
function meanToken(tokens: tf.Tensor3D, grid: tf.Tensor3D | undefined): tf.Tensor2D {
  if (grid === undefined) return t.mean(tokens, 1);
  const [batch, count] = tokens.shape;
  const weights = t.reshape(grid, [batch, count, 1]);
  return t.div(t.sum(t.mul(tokens, weights), 1), t.sum(weights, 1));
}
