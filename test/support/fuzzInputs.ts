// Random shapes, numbers and options for tests that compare two backends on what nobody wrote down.

import * as tf from '@tensorflow/tfjs';
import type { Rng } from '../../lib/core/rng.ts';
import type { Arrays } from './native.ts';

/** A random call of an op. */
export interface FuzzCase {
  note: string;
  inputs: Arrays;
  run: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  /** How far an element may be off, as a share of it and of the largest below 1e6. */
  rtol?: number;
  /** And by this. */
  atol?: number;
  /** Whether the gradients with respect to the float32 inputs are compared too. */
  grad?: boolean;
  /** Whether the op is linear in its first input, and its gradient is held to that: the CPU backend's is wrong or endless. */
  adjoint?: boolean;
}

/** Makes a fuzz case of one op. */
export type MakeFuzzCase = (d: FuzzInputs) => FuzzCase;

/** The dtypes that native kernels compute in. */
export type Dtype = 'float32' | 'int32' | 'bool';
export const everyDtype: readonly Dtype[] = ['float32', 'int32', 'bool'];
export const numeric: readonly Dtype[] = ['float32', 'int32'];

/** One case's stream of choices. */
export class FuzzInputs {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Between two integers, both included. */
  int(low: number, high: number): number {
    return low + this.#rng.integer(high - low + 1);
  }

  pick<T>(of: readonly T[]): T {
    return of[this.#rng.integer(of.length)]!;
  }

  chance(p: number): boolean {
    return this.#rng.uniform() < p;
  }

  uniform(low = 0, high = 1): number {
    return this.#rng.uniform(low, high);
  }

  /** A length: small mostly, sometimes longer than vectors, seldom 1 or 0. */
  length(most = 70, least = 0): number {
    const kind = this.#rng.uniform();
    if (kind < 0.02) return least;
    if (kind < 0.12) return Math.max(1, least);
    if (kind < 0.7) return Math.max(least, this.int(2, Math.min(9, most)));
    return Math.max(least, this.int(1, most));
  }

  /** A shape of at most `elements`. */
  shape(lowRank = 0, highRank = 5, elements = 4000, least = 0): number[] {
    const rank = this.int(lowRank, highRank);
    const shape: number[] = [];
    let size = 1;
    for (let i = 0; i < rank; i++) {
      const next = Math.min(
        this.length(70, least),
        Math.max(1, Math.floor(elements / Math.max(1, size))),
      );
      shape.push(next);
      size *= next;
    }
    return this.chance(0.5) ? shape : this.shuffled(shape);
  }

  shuffled<T>(list: readonly T[]): T[] {
    return [...this.#rng.permutation(list.length)].map((i) => list[i]!);
  }

  /** Some of a list, in order. */
  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.chance(0.5));
  }

  /** An axis of a shape, sometimes counted from its end. */
  axis(rank: number): number {
    const axis = this.int(0, rank - 1);
    return this.chance(0.3) ? axis - rank : axis;
  }

  axes(rank: number): number | number[] | undefined {
    if (rank === 0 || this.chance(0.2)) return undefined;
    if (this.chance(0.4)) return this.axis(rank);
    const some = this.some(Array.from({ length: rank }, (_, i) => i));
    return some.map((axis) => (this.chance(0.3) ? axis - rank : axis));
  }

  dtype(of = everyDtype): Dtype {
    return this.chance(0.5) ? of[0]! : this.pick(of);
  }

  /** Normal numbers of some scale; integers from −9 to 9; bools. */
  tensor(shape: readonly number[], dtype: Dtype = 'float32', scale = 1): Arrays[number] {
    const size = tf.util.sizeFromShape([...shape]);
    if (dtype === 'float32') {
      return this.of(shape, () => scale * this.#rng.normal());
    }
    const values = dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
    for (let i = 0; i < size; i++) values[i] = dtype === 'int32' ? this.int(-9, 9) : this.int(0, 1);
    return { shape: [...shape], values, dtype };
  }

  of(shape: readonly number[], value: () => number): Arrays[number] {
    const values = new Float32Array(tf.util.sizeFromShape([...shape]));
    for (let i = 0; i < values.length; i++) values[i] = value();
    return { shape: [...shape], values };
  }

  /** Integers from 0 up to a limit. */
  indices(shape: readonly number[], limit: number): Arrays[number] {
    const values = new Int32Array(tf.util.sizeFromShape([...shape]));
    for (let i = 0; i < values.length; i++) values[i] = this.#rng.integer(Math.max(1, limit));
    return { shape: [...shape], values, dtype: 'int32' };
  }

  /** Places along the first `depth` axes of a shape, [...rows, depth]. */
  places(rows: readonly number[], shape: readonly number[], depth = shape.length): Arrays[number] {
    return this.indices([...rows, depth], Math.min(...shape.slice(0, depth)));
  }

  /** Numbers with NaN, infinities, zeros of both signs, denormal and large ones among them. */
  wild(shape: readonly number[]): Arrays[number] {
    const special = [
      NaN,
      Infinity,
      -Infinity,
      0,
      -0,
      1e-40,
      -1e-40,
      3e38,
      -3e38,
      1,
      -1,
      0.5,
      88,
      -88,
      104,
    ];
    return this.of(shape, () =>
      this.chance(0.3) ? this.pick(special) : this.#rng.normal() * 10 ** this.int(-3, 3),
    );
  }

  /** A shape [B, H, W, channels]. */
  image(): [number, number, number, number] {
    return [this.int(1, 3), this.int(1, 14), this.int(1, 14), this.length(20, 1)];
  }

  /** A shape that broadcasts to the given one. */
  broadcastable(shape: readonly number[]): number[] {
    const kept = shape.slice(this.chance(0.3) ? this.int(0, shape.length) : 0);
    return kept.map((size) => (this.chance(0.25) ? 1 : size));
  }
}
