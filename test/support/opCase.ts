// The type of the rows of the op table.

import type * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../lib/core/check.ts';
import { Rng } from '../../lib/core/rng.ts';
import type { Reasons } from './compare.ts';
import type { Passed } from './exactBf16.ts';
import type { Exact } from './exactOps.ts';

interface Ranks {
  1: tf.Tensor1D;
  2: tf.Tensor2D;
  3: tf.Tensor3D;
  4: tf.Tensor4D;
}

/** The specification of one input. `constant` inputs are not differentiated. */
export interface InputSpec<R extends keyof Ranks = keyof Ranks> {
  shape: readonly number[] & { length: R };
  draw: (rng: Rng) => number;
  constant: boolean;
}

type Shape<R extends keyof Ranks> = R extends 1
  ? [number]
  : R extends 2
    ? [number, number]
    : R extends 3
      ? [number, number, number]
      : [number, number, number, number];

/** An input whose elements are drawn one by one, of the shape that the result is called with. */
export function spec(draw: (rng: Rng) => number, constant = false) {
  return <R extends 1 | 2 | 3 | 4>(...shape: Shape<R>): InputSpec<R> =>
    ({ shape, draw, constant }) as unknown as InputSpec<R>;
}
/** The inputs of a row by name. */
export type Specs = Record<string, InputSpec>;
/** The inputs of a row as tensors. */
export type TensorsOf<S extends Specs> = {
  [K in keyof S]: S[K] extends InputSpec<infer R> ? Ranks[R] : never;
};

/**
 * The reference of a row in bf16, in place of finite differences of `exact`.
 *
 * @property fp32           the op in fp32
 * @property formula        out and the gradients of Σ dOut·out, in float64, rounded where the op rounds
 * @property roundsResults  whether it rounds what it has computed, not its inputs alone
 */
export interface Bf16Form {
  fp32: OpCase['run'];
  formula: (x: Record<string, Exact>, dOut: ArrayLike<number>) => Passed;
  roundsResults: boolean;
}

/**
 * A row of the table.
 *
 * @property inputs   by name, in the order that they are drawn
 * @property run      the op; several results are laid side by side in one tensor
 * @property exact    the same in float64 loops
 * @property reasons  the causes by which float32 may differ from it
 * @property bf16     the reference in bf16
 * @property flops    of one forward pass, multiplications and additions counted apart
 */
export interface OpCase {
  name: string;
  inputs: Specs;
  run: (x: Record<string, tf.Tensor>) => tf.Tensor;
  exact: (x: Record<string, Exact>) => Float64Array;
  reasons: Reasons;
  flops: number;
  bf16?: Bf16Form;
}

/** A row whose `run` and `exact` see their inputs by name and rank. */
export function row<S extends Specs>(
  name: string,
  inputs: S,
  rest: {
    run: (x: TensorsOf<S>) => tf.Tensor;
    exact: (x: { [K in keyof S]: Exact }) => Float64Array;
    reasons: Reasons;
    flops: number;
  },
): OpCase {
  return { name, inputs, ...rest } as unknown as OpCase;
}

/** The inputs of a row as float32 values, the same for every backend. */
export function drawInputs({ name, inputs }: OpCase): Map<string, Float32Array> {
  const drawn = Object.entries(inputs).map(([key, { shape, draw }]) => {
    const stream = new Rng(0).split(name, key);
    return [key, Float32Array.from({ length: sizeOf(shape) }, () => draw(stream))] as const;
  });
  return new Map(drawn);
}

/** The names of the inputs that have a gradient. */
export function differentiable({ inputs }: OpCase): string[] {
  return Object.keys(inputs).filter((name) => !inputs[name]!.constant);
}

/** Bytes that a forward pass has to move at least: every input read once, a result of `outSize` elements written once. */
export function bytesMoved({ inputs }: OpCase, outSize: number): number {
  const read = Object.values(inputs).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return 4 * (read + outSize);
}
