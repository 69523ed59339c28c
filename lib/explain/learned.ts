// Measures of what a model has learned: how far heads look, how sharp they are, its patch filters, and its features as colours.

import type * as tf from '@tensorflow/tfjs';
import { Capture } from '../core/capture.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import { assertFields, assertKind, assertListOf } from '../core/kinds.ts';
import { assertModule } from '../core/module.ts';
import { makeImage, type RgbImage } from '../core/image.ts';
import type { ForwardContext } from '../core/context.ts';
import { principalComponents, project } from '../core/principalComponents.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { assertAttention, type AttentionArray } from './attentionArray.ts';
import { layoutOf } from './attentionMaps.ts';
import { assertAttentionModel } from './attentionModel.ts';
import { countBlocks } from './gradCam.ts';

/**
 * The mean attention distance of every layer and head, in patches: distance[layer][head].
 *
 * The mean over images and patch queries of Σ_k A_qk·‖q − k‖ / Σ_k A_qk, over the patches k. Heads of low layers look near and far,
 * those of high layers far (Dosovitskiy et al. 2021, figure 7, right).
 *
 * @param attentions  one a layer, [B, h, N, N]
 * @param layout      for attention that brings none from its capture
 */
export function attentionDistance(
  attentions: readonly AttentionArray[],
  layout: Partial<TokenLayout> = {},
): number[][] {
  assertAttention('attentions', attentions, 0);
  const { numPrefixTokens: prefix, gridSize } = layoutOf(attentions[0]!, layout);
  const [rows, columns] = gridSize;
  const patches = rows * columns;
  const distances = Float64Array.from({ length: patches * patches }, (_, i) => {
    const [q, k] = [Math.floor(i / patches), i % patches];
    const down = Math.floor(q / columns) - Math.floor(k / columns);
    return Math.sqrt(down ** 2 + ((q % columns) - (k % columns)) ** 2);
  });
  return eachHead(attentions, (data, start, tokens) => {
    let mean = 0;
    for (let q = 0; q < patches; q += 1) {
      let [far, all] = [0, 0];
      const from = start + (prefix + q) * tokens + prefix;
      for (let k = 0; k < patches; k += 1) {
        far += data[from + k]! * distances[q * patches + k]!;
        all += data[from + k]!;
      }
      mean += all > 0 ? far / all / patches : 0;
    }
    return mean;
  });
}

/** The mean entropy of the rows of every layer and head in nats, from 0 (one token) to ln N (all alike): entropy[layer][head]. */
export function headEntropy(attentions: readonly AttentionArray[]): number[][] {
  assertAttention('attentions', attentions, 0);
  return eachHead(attentions, (data, start, tokens) => {
    let sum = 0;
    for (let i = start; i < start + tokens * tokens; i += 1) {
      const value = data[i]!;
      if (value > 0) sum -= value * Math.log(value);
    }
    return sum / tokens;
  });
}

// The mean over images of a number for each layer and head.
function eachHead(
  attentions: readonly AttentionArray[],
  measure: (data: ArrayLike<number>, start: number, tokens: number) => number,
): number[][] {
  return attentions.map(({ shape, data }) => {
    const [batch = 0, heads = 0, tokens = 0] = shape;
    return Array.from({ length: heads }, (_, head) => {
      let sum = 0;
      for (let b = 0; b < batch; b += 1) {
        sum += measure(data, (b * heads + head) * tokens * tokens, tokens);
      }
      return sum / batch;
    });
  });
}

/** A principal component of the patch projection as a picture, with the share of the variance that it explains. */
export interface PatchFilter {
  image: RgbImage;
  share: number;
}

/**
 * The first principal components of the filters of a model's patch projection, as pictures of a patch: grey is 0.
 *
 * @param count  default 28, as in the source; at most the values of a patch
 *
 * Source: Dosovitskiy et al. 2021, figure 7 (left).
 */
export async function patchFilters(model: Model, count = 28): Promise<PatchFilter[]> {
  assertModule(model);
  const weight: tf.Tensor | undefined = model.namedParameters().get('patch_embed.proj.weight');
  if (weight === undefined) {
    throw new InputError(expected('a model with patch_embed.proj', 'model', model.family));
  }
  const [, channels = 0, height = 0, width = 0] = weight.shape;
  const dim = channels * height * width;
  assertInteger('count', count, { min: 1 });
  const found = principalComponents(await weight.data(), dim, Math.min(count, dim));
  return found.components.map((component, k) => {
    const size = Math.max(...component.map(Math.abs)) || 1;
    const shown = channels === 3 ? 3 : 1;
    const data = new Uint8Array(height * width * shown);
    for (let i = 0; i < height * width; i += 1) {
      for (let c = 0; c < shown; c += 1) {
        data[i * shown + c] = Math.round(127.5 * (1 + component[c * height * width + i]! / size));
      }
    }
    const share = found.total > 0 ? found.variances[k]! / found.total : 0;
    return { image: makeImage(width, height, shown, data), share };
  });
}

/** The features of the patches of images after a block: [B, P, C], with their grid. */
export interface PatchFeatures {
  features: Float32Array;
  batch: number;
  dim: number;
  gridSize: readonly [rows: number, columns: number];
}

/** The tokens of the patches after a block; `layer` from 0, negative from the end, default −1. */
export async function patchFeatures(
  model: Model,
  images: tf.Tensor4D,
  options: { layer?: number } = {},
): Promise<PatchFeatures> {
  assertKind('the options of patchFeatures', options, 'object');
  const { layer = -1 } = options;
  const { tensors, layout } = await blockOutputs(model, images);
  const depth = tensors.length;
  assertInteger('layer', layer, { min: -depth, max: depth - 1 });
  return patchesOf(tensors.at(layer)!, layout);
}

/** The tokens of the patches after every block, as `patchFeatures` gives them of one, by a single forward pass. */
export async function patchFeaturesByLayer(
  model: Model,
  images: tf.Tensor4D,
): Promise<PatchFeatures[]> {
  const { tensors, layout } = await blockOutputs(model, images);
  return tensors.map((output) => patchesOf(output, layout));
}

function patchesOf(
  { data, shape: [batch, tokens, dim] }: BlockOutput,
  { numPrefixTokens: prefix, gridSize }: TokenLayout,
): PatchFeatures {
  const features = new Float32Array(batch * (tokens - prefix) * dim);
  for (let b = 0; b < batch; b += 1) {
    const from = (b * tokens + prefix) * dim;
    features.set(data.subarray(from, (b + 1) * tokens * dim), b * (tokens - prefix) * dim);
  }
  return { features, batch, dim, gridSize };
}

/**
 * Features as colours: their first three principal components, over all images together, as red, green and blue, a pixel a patch.
 *
 * Each is stretched from its smallest to its largest value. Signs are fixed (`principalComponents`), so the same features have the same
 * colours. Source: Oquab et al. 2023, "DINOv2", figure 1.
 */
export function featureColors(given: PatchFeatures): RgbImage[] {
  assertFeatures(given);
  const { features, batch, dim, gridSize } = given;
  const [rows, columns] = gridSize;
  const count = Math.min(3, dim);
  const found = principalComponents(features, dim, count);
  const values = project(features, found);
  const ends = Array.from({ length: count }, (_, k) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = k; i < values.length; i += count) {
      low = Math.min(low, values[i]!);
      high = Math.max(high, values[i]!);
    }
    return [low, high] as const;
  });
  const patches = rows * columns;
  return Array.from({ length: batch }, (_, b) => {
    const data = new Uint8Array(3 * patches);
    for (let p = 0; p < patches; p += 1) {
      for (let k = 0; k < count; k += 1) {
        const [low, high] = ends[k]!;
        const value = values[(b * patches + p) * count + k]!;
        data[3 * p + k] = high > low ? Math.round((255 * (value - low)) / (high - low)) : 128;
      }
    }
    return makeImage(columns, rows, 3, data);
  });
}

function assertFeatures(features: PatchFeatures): void {
  const kinds = { features: 'floats', batch: 'count', dim: 'count', gridSize: 'list' } as const;
  assertFields('the features', features, kinds);
  const { batch, dim, gridSize } = features;
  assertListOf('gridSize of the features', gridSize, 'count');
  const size = batch * dim * gridSize[0] * gridSize[1];
  if (features.features.length !== size) {
    throw new ShapeError(expected(`${size} values`, 'features', features.features.length));
  }
}

/** For each patch of a first image the patch of a second one whose features are most alike, by cosine. */
export function correspondence(
  features: PatchFeatures,
  pair: readonly [number, number] = [0, 1],
): { patch: number; cosine: number }[] {
  assertFeatures(features);
  assertListOf('pair', pair, 'integer');
  const [first, second] = pair;
  const { features: values, batch, dim, gridSize } = features;
  const patches = gridSize[0] * gridSize[1];
  for (const index of [first, second]) assertInteger('image', index, { min: 0, max: batch - 1 });
  const row = (b: number, p: number) =>
    values.subarray((b * patches + p) * dim, (b * patches + p + 1) * dim);
  const dot = (x: Float32Array, y: Float32Array) => {
    let sum = 0;
    for (let d = 0; d < dim; d += 1) sum += x[d]! * y[d]!;
    return sum;
  };
  return Array.from({ length: patches }, (_, p) => {
    const own = row(first, p);
    let best = { patch: 0, cosine: -Infinity };
    for (let q = 0; q < patches; q += 1) {
      const other = row(second, q);
      const scale = Math.sqrt(dot(own, own) * dot(other, other));
      const cosine = scale > 0 ? dot(own, other) / scale : 0;
      if (cosine > best.cosine) best = { patch: q, cosine };
    }
    return best;
  });
}

/**
 * The logit lens: the logits that each token would give if the model ended after each block, [B, N, K] a block.
 *
 * Each token passes the last norm and the head in the place of the tokens that the classifier reads.
 *
 * @throws InputError for a model whose head cannot be asked for one token
 */
export async function logitLens(
  model: Model,
  images: tf.Tensor4D,
): Promise<{ shape: [number, number, number]; data: Float32Array }[]> {
  assertModule(model);
  const { norm, forwardHead } = model as unknown as {
    norm?: { forward(x: tf.Tensor3D): tf.Tensor3D } | undefined;
    forwardHead?: (features: tf.Tensor3D, context?: ForwardContext) => tf.Tensor2D;
  };
  if (typeof forwardHead !== 'function' || model.numClasses < 1) {
    throw new InputError(expected('a model with a head over tokens', 'model', model.family));
  }
  const { tensors, layout } = await blockOutputs(model, images);
  const copies = layout.numPrefixTokens + 1;
  return Promise.all(
    tensors.map(async ({ data, shape }) => {
      const [batch, tokens, dim] = shape;
      const logits = t.tidy(() => {
        const single = t.tensor3d(data, [batch * tokens, 1, dim]);
        // A token stands in every place that a classifier may read: class, distillation, and a patch.
        const alike = t.broadcastTo<tf.Rank.R3>(single, [batch * tokens, copies, dim]);
        return forwardHead.call(model, norm?.forward(alike) ?? alike);
      });
      const values = (await logits.data()) as Float32Array;
      logits.dispose();
      return { shape: [batch, tokens, model.numClasses] as [number, number, number], data: values };
    }),
  );
}

/** A patch token that stands out by its norm after the last block. */
export interface ArtefactToken {
  image: number;
  patch: number;
  norm: number;
  ratio: number;
}

/**
 * The norms of all tokens after each block, and the patches of the last one whose norm is more than `ratio` times the median patch's.
 *
 * norms[layer] is [B, N] as a grid. Large models without registers keep what is known of the whole image in such patches, which spoils
 * their maps (Darcet et al. 2024, "Vision Transformers need registers").
 */
export async function tokenNorms(
  model: Model,
  images: tf.Tensor4D,
  options: { ratio?: number } = {},
): Promise<{ norms: Grid<Float32Array>[]; artefacts: ArtefactToken[] }> {
  assertFields('the options of tokenNorms', options, { ratio: 'number?' });
  const { ratio = 3 } = options;
  const { tensors, layout } = await blockOutputs(model, images);
  const norms = tensors.map(({ data, shape: [batch, tokens, dim] }) => ({
    height: batch,
    width: tokens,
    data: Float32Array.from({ length: batch * tokens }, (_, i) => {
      let sum = 0;
      for (let d = i * dim; d < (i + 1) * dim; d += 1) sum += data[d]! ** 2;
      return Math.sqrt(sum);
    }),
  }));
  const { width: tokens, height: batch, data } = norms.at(-1)!;
  const prefix = layout.numPrefixTokens;
  const artefacts: ArtefactToken[] = [];
  for (let image = 0; image < batch; image += 1) {
    const own = data.subarray(image * tokens + prefix, (image + 1) * tokens);
    const median = Float32Array.from(own).sort()[Math.floor(own.length / 2)]!;
    own.forEach((norm, patch) => {
      if (norm > ratio * median) artefacts.push({ image, patch, norm, ratio: norm / median });
    });
  }
  return { norms, artefacts };
}

interface BlockOutput {
  shape: [batch: number, tokens: number, dim: number];
  data: Float32Array;
}

async function blockOutputs(
  model: Model,
  images: tf.Tensor4D,
): Promise<{ tensors: BlockOutput[]; layout: TokenLayout }> {
  assertAttentionModel(model);
  const capture = new Capture(['blocks.input', 'blocks.*.output'], { onWarning: () => undefined });
  try {
    t.dispose(t.tidy(() => model.forward(images, { intercept: capture })));
    const found = Array.from({ length: countBlocks(model) }, (_, i) => `blocks.${i}.output`);
    const tensors = await Promise.all(
      found.map(async (name) => {
        const tensor = capture.get(name);
        if (tensor.rank !== 3) throw new ShapeError(expected('[B, N, C]', name, tensor.shape));
        const shape = [...tensor.shape] as [number, number, number];
        return { shape, data: (await tensor.data()) as Float32Array };
      }),
    );
    return { tensors, layout: layoutOf(capture, model) };
  } finally {
    capture.dispose();
  }
}
