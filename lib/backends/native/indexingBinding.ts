// The entries of native/indexing_binding.cc.

import type { Elements, Numbers } from './elements.ts';

/** Kernels of integer tensors that point at elements; `false`: an index is wrong, and nothing was written. */
export interface IndexingBinding {
  gather(
    batch: number,
    outer: number,
    dim: number,
    slice: number,
    count: number,
    x: Elements,
    indices: Int32Array,
    out: Elements,
  ): boolean;
  gatherNd(
    sizes: readonly number[],
    slice: number,
    count: number,
    x: Elements,
    indices: Int32Array,
    out: Elements,
  ): boolean;
  scatter(
    sizes: readonly number[],
    slice: number,
    count: number,
    sum: boolean,
    /** Whether what is outside is left out; else it is wrong. */
    skip: boolean,
    /** Whether out is zero before. */
    clear: boolean,
    indices: Int32Array,
    /** [count, slice], or one for all. */
    values: Elements,
    out: Elements,
  ): boolean;
  bincount<T extends Numbers>(
    rows: number,
    cols: number,
    size: number,
    binary: boolean,
    x: Int32Array,
    /** [rows, cols]; null: each counts 1. */
    weights: T | null,
    out: T,
  ): boolean;
  /** False where there is a NaN. */
  topK<T extends Numbers>(
    rows: number,
    cols: number,
    k: number,
    x: T,
    values: T,
    places: Int32Array,
  ): boolean;
  oneHot(depth: number, indices: Int32Array, on: number, off: number, out: Elements): void;
  /** The event of each random number, in each row of probabilities. */
  draw(
    rows: number,
    cols: number,
    probabilities: Float32Array,
    random: readonly number[],
    events: Int32Array,
  ): void;
  /** start, start + step, … */
  ramp(start: number, step: number, out: Numbers): void;
}
