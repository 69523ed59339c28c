// The relevance of an image for the object queries of a detector, from attention and its gradients.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger } from '../core/check.ts';
import { Capture } from '../core/capture.ts';
import type { ForwardContext } from '../core/context.ts';
import { assertFields } from '../core/kinds.ts';
import { assertModule, type Module } from '../core/module.ts';
import type { Precision } from '../core/precision.ts';
import * as t from '../ops/tensor.ts';
import { crossAttentionRelevance, type EncoderDecoder } from './attentionRelevance.ts';

/** The names of the attention layers of a detector, without their ending, first layer first. */
export interface AttentionPaths {
  encoder: readonly string[];
  decoderSelf: readonly string[];
  decoderCross: readonly string[];
}

/** A detector whose queries can be explained: `Detr` is one. */
export interface QueryModel extends Module {
  /** The embeddings of the queries, [Q, C]. */
  readonly queryEmbeddings: tf.Variable;
  attentionPaths(): AttentionPaths;
  detect(
    images: tf.Tensor,
    options: ForwardContext,
  ): { logits: tf.Tensor3D; boxes: tf.Tensor3D; featureMap: tf.Tensor4D };
}

/**
 * The options of `queryRelevance` and `queryAttention`.
 *
 * @property query       the number of the query, from 0
 * @property classIndex  the class that is explained; default the query's best one, 'no object' aside
 * @property normalize   as `crossAttentionRelevance`; default true
 * @property precision   of the products; default fp32
 */
export interface QueryOptions {
  query: number;
  classIndex?: number;
  normalize?: boolean;
  precision?: Precision;
}

/** Attention and its gradients for one query; `logits` [1, Q, K + 1]. The tensors are the caller's. */
export type QueryAttention = EncoderDecoder & {
  logits: tf.Tensor3D;
  /** [rows, columns] of the tokens of the image. */
  grid: readonly [number, number];
};

/**
 * The attention of every layer of a detector, with the gradient of a query's class logit with respect to it, for one image.
 *
 * @param image  [1, H, W, C], normalised
 * @throws InputError for a query or a class that the model does not have
 */
export function queryAttention(
  model: QueryModel,
  image: tf.Tensor4D,
  options: QueryOptions,
): QueryAttention {
  assertModule(model, ['detect', 'attentionPaths']);
  assertFields('the options', options, { query: 'integer', classIndex: 'integer?' });
  const { query, classIndex, precision = 'fp32' } = options;
  assertInteger('query', query, { min: 0, max: model.queryEmbeddings.shape[0]! - 1 });
  const paths = model.attentionPaths();
  const all = [...paths.encoder, ...paths.decoderSelf, ...paths.decoderCross];
  const capture = new Capture(all.flatMap((path) => [`${path}_probs`, `${path}_grad`]));
  let grid: readonly [number, number] = [1, 1];
  try {
    const run = () => {
      const { logits, featureMap } = model.detect(image, { intercept: capture, precision });
      grid = [featureMap.shape[1], featureMap.shape[2]];
      const label = classIndex ?? bestClass(logits, query);
      assertInteger('classIndex', label, { min: 0, max: logits.shape[2] - 2 });
      const value = t.sum(t.slice(logits, [0, query, label], [1, 1, 1]));
      return { value: value as tf.Scalar, outputs: { logits } };
    };
    // The attention among the queries of the first layer does not depend on the image.
    const { value, gradients, outputs } = t.valueAndGrads(run, [image, model.queryEmbeddings]);
    t.dispose([value, ...gradients.filter((one) => one !== undefined)]);
    const layers = (names: readonly string[]) =>
      names.map((path) => ({
        attention: t.clone(capture.get(`${path}_probs`) as tf.Tensor4D),
        gradient: t.clone(capture.get(`${path}_grad`) as tf.Tensor4D),
      }));
    return {
      encoder: layers(paths.encoder),
      decoderSelf: layers(paths.decoderSelf),
      decoderCross: layers(paths.decoderCross),
      logits: outputs.logits,
      grid,
    };
  } finally {
    capture.dispose();
  }
}

/**
 * How much each place of an image counts for what a query says, as a map on the grid of the tokens.
 *
 * Source: Chefer et al. 2021, ICCV, eq. 6 to 11.
 *
 * @example const { map } = await queryRelevance(model, image, { query: 3 });
 */
export async function queryRelevance(
  model: QueryModel,
  image: tf.Tensor4D,
  options: QueryOptions,
): Promise<{ map: { height: number; width: number; data: Float32Array } }> {
  const attention = queryAttention(model, image, options);
  const { normalize = true, query } = options;
  const row = t.tidy(() => {
    const relevance = crossAttentionRelevance(attention, { normalize });
    return t.slice(relevance, [0, query, 0], [1, 1, -1]);
  });
  const data = Float32Array.from(await row.data());
  row.dispose();
  disposeQueryAttention(attention);
  const [height, width] = attention.grid;
  return { map: { height, width, data } };
}

/** Frees what `queryAttention` gave. */
export function disposeQueryAttention(given: QueryAttention): void {
  assertFields('the attention', given, {
    encoder: 'list',
    decoderSelf: 'list',
    decoderCross: 'list',
  });
  const { encoder, decoderSelf, decoderCross, logits } = given;
  for (const { attention, gradient } of [...encoder, ...decoderSelf, ...decoderCross]) {
    t.dispose([attention, gradient]);
  }
  logits.dispose();
}

function bestClass(logits: tf.Tensor3D, query: number): number {
  return t.tidy(() => {
    const classes = t.slice(logits, [0, query, 0], [1, 1, logits.shape[2] - 1]);
    return t.argMax(t.reshape(classes, [-1]), 0).dataSync()[0]!;
  });
}
