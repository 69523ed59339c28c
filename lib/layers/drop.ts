// Dropout and stochastic depth as functions: they have no parameters. Whether they act, and what they draw from, is the context's.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { dropout as dropoutOp, survivorGain } from '../ops/dropout.ts';
import { dropPath as dropPathOp } from '../ops/dropPath.ts';
import { assertShape, sizeOf } from '../core/check.ts';
import type { ForwardContext } from '../core/context.ts';
import { InputError, expected } from '../core/errors.ts';

/**
 * Dropout: while training every element is zeroed with probability `rate`, the others divided by 1 − rate.
 *
 * The mask is a pure function of `context.rng` and the name, so a pass that is computed again draws the same one.
 *
 * @param name  the full name of the part that drops: `blocks.3.attn.proj_drop`
 * @throws InputError if it has to draw and `context.rng` is missing
 */
export function dropout<T extends tf.Tensor>(
  x: T,
  rate: number,
  name: string,
  context: ForwardContext,
): T {
  if (context.training !== true || rate === 0) return x;
  return dropoutOp(x, drawKeepMask<tf.Rank>(x.shape, rate, name, context), rate);
}

/**
 * Stochastic depth: while training the whole branch of a sample is zeroed with probability `rate`, else divided by 1 − rate.
 *
 * `context.keepMask(name)`, [B], replaces the draw where it gives one.
 *
 * @param x     a residual branch, [B, ...]
 * @param name  the full name of the part that drops: `blocks.3.drop_path1`
 * @throws InputError if it has to draw and `context.rng` is missing
 * @throws ShapeError if the given mask is not [B]
 *
 * Source: Huang et al. 2016, "Deep networks with stochastic depth"; one draw a sample as in timm.
 */
export function dropPath<T extends tf.Tensor>(
  x: T,
  rate: number,
  name: string,
  context: ForwardContext,
): T {
  const keep = dropPathMask(x.shape[0]!, rate, name, context);
  return keep === undefined ? x : dropPathOp(x, keep, rate);
}

/**
 * What `dropPath` multiplies each sample's branch by: 0 or 1 / (1 − rate), [B]; undefined where it drops nothing.
 *
 * @throws InputError, ShapeError as `dropPath`
 */
export function dropPathGain(
  batch: number,
  rate: number,
  name: string,
  context: ForwardContext,
): tf.Tensor1D | undefined {
  const keep = dropPathMask(batch, rate, name, context);
  return keep === undefined ? undefined : t.mul(keep, survivorGain(rate));
}

function dropPathMask(
  batch: number,
  rate: number,
  name: string,
  context: ForwardContext,
): tf.Tensor1D | undefined {
  if (context.training !== true || rate === 0) return undefined;
  const given = context.keepMask?.(name);
  if (given !== undefined) assertShape(`the keep mask of ${name}`, given, [batch]);
  return given ?? drawKeepMask<tf.Rank.R1>([batch], rate, name, context);
}

/**
 * The drop path rate of every block: from 0 at the first to `rate` at the last, in equal steps.
 *
 * @example dropPathRates(0.1, 3); // [0, 0.05, 0.1]
 */
export function dropPathRates(rate: number, depth: number): number[] {
  return Array.from({ length: depth }, (_, i) => (depth > 1 ? (rate * i) / (depth - 1) : 0));
}

function drawKeepMask<R extends tf.Rank>(
  shape: readonly number[],
  rate: number,
  name: string,
  { rng }: ForwardContext,
): tf.Tensor<R> {
  if (rng === undefined) {
    throw new InputError(
      expected(
        'a random stream',
        'context.rng',
        rng,
        `${name} drops at rate ${rate} while training: pass {training: true, rng: new Rng(seed)}.`,
      ),
    );
  }
  const draws = rng.split(name);
  const values = new Float32Array(sizeOf(shape));
  const threshold = rate * 2 ** 32;
  for (let i = 0; i < values.length; i += 1) values[i] = draws.uint32() >= threshold ? 1 : 0;
  return t.tensor<R>(values, [...shape] as tf.ShapeMap[R]);
}
