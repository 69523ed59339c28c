// The pooler of Hugging Face's ViTModel: a layer behind the class token that only its folders have.

import type * as tf from '@tensorflow/tfjs';
import { toFloat32, type HostTensor } from '../checkpoints/hostTensor.ts';
import { ShapeError, expected } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';
import { linear } from '../ops/linear.ts';
import * as t from '../ops/tensor.ts';

/** The class tokens [B, C] of tokens [B, N, C] after the pooler, [B, D]. */
export type Pooler = (tokens: tf.Tensor3D) => tf.Tensor2D;

/**
 * The pooler of a checkpoint: tanh(W·x + b) of the class token x; undefined if it has none.
 *
 * A Vision Transformer of ours leaves the pooler out, because no logit depends on it; what reads `pooler_output` gets it here.
 *
 * @param tensors  by Hugging Face's names
 *
 * Source: transformers, modeling_vit.py, `ViTPooler`.
 */
export function poolerOf(tensors: ReadonlyMap<string, HostTensor>): Pooler | undefined {
  assertKind('tensors', tensors, 'map');
  const find = (end: string) =>
    [...tensors].find(([name]) => name === `pooler.dense.${end}` || name.endsWith(`.pooler.dense.${end}`))?.[1]; // prettier-ignore
  const [weight, bias] = [find('weight'), find('bias')];
  if (weight === undefined || bias === undefined) return undefined;
  const [size, dim] = weight.shape;
  if (weight.shape.length !== 2 || bias.shape.join() !== String(size)) {
    throw new ShapeError(expected('[D, C] and [D]', 'the pooler', [weight.shape, bias.shape]));
  }
  return (tokens) =>
    t.tidy(() => {
      const [batch, , channels] = tokens.shape;
      if (channels !== dim) throw new ShapeError(expected(`${dim} channels`, 'tokens', channels));
      const first = t.reshape<tf.Rank.R2>(t.slice(tokens, [0, 0, 0], [batch, 1, dim]), [
        batch,
        dim,
      ]);
      const x = linear(
        first,
        t.tensor2d(toFloat32(weight), [size!, dim]),
        t.tensor1d(toFloat32(bias)),
      );
      return t.tanh(x) as tf.Tensor2D;
    });
}
