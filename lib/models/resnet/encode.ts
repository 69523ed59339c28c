// A ResNet as an encoder of images: the maps of its stages, and their mean over space as the vector.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import type { ForwardContext } from '../../core/context.ts';
import { InputError, expected } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import type { EncodeOptions, Encoding, FamilyEncoder } from '../encoding.ts';
import { stagePlanes, type ResNetConfig } from './config.ts';
import type { ResNet } from './resNet.ts';

/** A ResNet's encoder: its layers are `stem`, `layer1` …, its vector the input of the head. */
export const resNetEncoder: FamilyEncoder<ResNetConfig, ResNet> = {
  approach: 'Convolutions',
  layers: stageNames,
  vectorSize: (config) => stagePlanes(config).at(-1)!,
  encode: encodeImages,
};

/** The names of the maps that `ResNet.forwardStages` gives. */
export function stageNames({ layers }: Pick<ResNetConfig, 'layers'>): string[] {
  return ['stem', ...layers.map((_, stage) => `layer${stage + 1}`)];
}

/** Throws an InputError unless all names are among the layers that are known. */
export function assertLayerNames(layers: readonly string[], known: readonly string[]): void {
  const wrong = layers.find((layer) => !known.includes(layer));
  if (wrong === undefined) return;
  const remedy = didYouMean(String(wrong), known, `Layers: ${known.join(', ')}.`);
  throw new InputError(expected('a layer of the model', 'layers', wrong, remedy));
}

/** The places of the last map as tokens, the maps of stages, pooled vectors and logits of images [B, H, W, I]. */
export function encodeImages(
  model: ResNet,
  images: tf.Tensor4D,
  { layers = [], mask, ...context }: EncodeOptions & ForwardContext = {},
): Encoding {
  if (mask !== undefined) {
    throw new InputError(expected('no mask', 'mask', 'one', 'A ResNet sees whole images alone.'));
  }
  const names = stageNames(model.config);
  assertLayerNames(layers, names);
  return t.tidy(() => {
    const maps = model.forwardStages(images, context);
    const last = maps.at(-1)!;
    const [batch, , , channels] = last.shape;
    const wanted = names.flatMap((name, i) =>
      layers.includes(name) ? [[name, maps[i]!] as const] : [],
    );
    return {
      tokens: t.reshape<tf.Rank.R3>(last, [batch, -1, channels]),
      pooled: t.mean<tf.Tensor2D>(last, [1, 2]),
      features: Object.fromEntries(wanted),
      ...(model.numClasses > 0 && { logits: model.forwardHead(last, context) }),
    };
  });
}
