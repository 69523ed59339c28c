// The common ground of the encoder blocks: their interface, sums of branches, layers in turn.

import type * as tf from '@tensorflow/tfjs';
import type { ResidualBlock } from '../ops/runBlocks.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { step } from '../core/intercept.ts';
import type { Module } from '../core/module.ts';

/** A block of an encoder, [B, N, C] → [B, N, C]. */
export type EncoderBlock = Module & ResidualBlock & { readonly path: string };

/** A layer on tokens. */
export type TokenLayer = Module & {
  forward(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D;
};

/** The sum of two branches as the step of a path. */
export function addStep(
  path: string,
  a: tf.Tensor3D,
  b: tf.Tensor3D,
  context: ForwardContext,
): tf.Tensor3D {
  return step(path, [a, b] as const, context, (x, y) => t.add<tf.Tensor3D>(x, y));
}

/** Layers one after the other; those that are undefined are left out. */
export function inTurn(
  x: tf.Tensor3D,
  layers: readonly (TokenLayer | undefined)[],
  context: ForwardContext,
): tf.Tensor3D {
  return layers.reduce((y, layer) => layer?.forward(y, context) ?? y, x);
}

/** x plus a bias that belongs to no linear layer, as the step of a path: [B, N, C] + [C]. */
export function addBias(
  path: string,
  x: tf.Tensor3D,
  bias: tf.Tensor,
  context: ForwardContext,
): tf.Tensor3D {
  const own: tf.Tensor3D = t.reshape(bias, [1, 1, x.shape[2]]);
  return step(path, [x, own] as const, context, (a, b) => t.add<tf.Tensor3D>(a, b));
}
