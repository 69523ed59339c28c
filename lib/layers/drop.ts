// Dropout and stochastic depth. The context decides whether they act and gives the stream that they draw from.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { dropout, dropoutScale } from '../ops/dropout.ts';
import { dropPath } from '../ops/dropPath.ts';
import { assertInteger, assertNumber, assertShape, sizeOf } from '../core/check.ts';
import type { ForwardContext } from '../core/context.ts';
import { InputError, expected } from '../core/errors.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import type { Rng } from '../core/rng.ts';
import { assertScope, type PathScope } from './initScope.ts';

/** The base of all dropouts: a rate, a path, and the condition under which they act. */
export abstract class Drop extends Module {
  readonly rate: number;
  readonly path: string;

  constructor(rate: number, scope: PathScope) {
    super();
    assertNumber('rate', rate, { min: 0, max: 1 });
    assertScope(scope);
    this.rate = rate;
    this.path = scope.path;
  }

  /** Whether it changes its input in this pass. */
  acts({ training }: ForwardContext): boolean {
    return training === true && this.rate > 0;
  }

  /** The stream that it draws from in this pass. @throws InputError if `context.rng` is missing */
  protected draws({ rng }: ForwardContext): Rng {
    const { path, rate } = this;
    if (rng !== undefined) return rng.split(path);
    const remedy = `${path} drops at rate ${rate} while training: pass {training: true, rng: new Rng(seed)}.`;
    throw new InputError(expected('a random stream', 'context.rng', rng, remedy));
  }

  protected drawKeepMask<R extends tf.Rank>(
    shape: readonly number[],
    context: ForwardContext,
  ): tf.Tensor<R> {
    const { rate } = this;
    const draws = this.draws(context);
    const values = new Float32Array(sizeOf(shape));
    const threshold = rate * 2 ** 32;
    for (let i = 0; i < values.length; i += 1) values[i] = draws.uint32() >= threshold ? 1 : 0;
    return t.tensor<R>(values, [...shape] as tf.ShapeMap[R]);
  }
}

/**
 * Dropout: while training every element is zeroed with probability `rate`, the others divided by 1 − rate.
 *
 * The mask is a pure function of `context.rng` and the path, so a pass that is computed again draws the same one. Where it does
 * not act, it gives the input itself and is no step for an interceptor.
 */
export class Dropout extends Drop {
  /** @throws InputError if it has to draw and `context.rng` is missing */
  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    if (!this.acts(context)) return x;
    return moduleStep(this, x, context, (given) =>
      dropout(given, this.drawKeepMask<tf.Rank>(given.shape, context), this.rate),
    );
  }
}

/**
 * Stochastic depth: while training the whole branch of a sample is zeroed with probability `rate`, else divided by 1 − rate.
 *
 * `context.keepMask(path)`, [B], replaces the draw where it gives one. Where it does not act, it gives the input itself and is no
 * step for an interceptor.
 *
 * Source: Huang et al. 2016, "Deep networks with stochastic depth"; one draw a sample as in timm.
 */
export class DropPath extends Drop {
  /**
   * @param x  a residual branch, [B, ...]
   * @throws InputError if it has to draw and `context.rng` is missing
   * @throws ShapeError if the given mask is not [B]
   */
  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    if (!this.acts(context)) return x;
    return moduleStep(this, x, context, (given) =>
      dropPath(given, this.keepMask(given.shape[0]!, context), this.rate),
    );
  }

  /**
   * The factor of each sample's branch, 0 or 1 / (1 − rate), [B]; undefined where it does not act.
   *
   * @throws InputError, ShapeError as `forward`
   */
  gain(batch: number, context: ForwardContext): tf.Tensor1D | undefined {
    if (!this.acts(context)) return undefined;
    return t.mul(this.keepMask(batch, context), dropoutScale(this.rate));
  }

  private keepMask(batch: number, context: ForwardContext): tf.Tensor1D {
    const given = context.keepMask?.(this.path);
    if (given !== undefined) assertShape(`the keep mask of ${this.path}`, given, [batch]);
    return given ?? this.drawKeepMask<tf.Rank.R1>([batch], context);
  }
}

/**
 * The drop path rate of every block: from 0 at the first to `rate` at the last, in equal steps.
 *
 * @example dropPathRates(0.1, 3); // [0, 0.05, 0.1]
 */
export function dropPathRates(rate: number, depth: number): number[] {
  assertNumber('rate', rate, { min: 0, max: 1 });
  assertInteger('depth', depth, { min: 0, max: 65_536 });
  return Array.from({ length: depth }, (_, i) => (depth > 1 ? (rate * i) / (depth - 1) : 0));
}
