// The entries of native/counting_binding.cc.

import type { Elements, Numbers } from './elements.ts';

/** Kernels that count, search, and treat sparse tensors; `false`: an integer is wrong, and nothing was written. */
export interface CountingBinding {
  countList<T extends Numbers>(
    size: number,
    x: Int32Array,
    /** One for each of x; null: each counts 1. */
    weights: T | null,
    out: T,
  ): boolean;
  /** How many slices along the middle axis of x [outer, n, inner] are different. */
  uniqueSlices(
    outer: number,
    n: number,
    inner: number,
    x: Elements,
    /** [n], of which so many are written: where each comes first. */
    firsts: Int32Array,
    /** [n]: which of them each slice is. */
    places: Int32Array,
  ): number;
  searchSorted<T extends Numbers>(
    rows: number,
    length: number,
    count: number,
    right: boolean,
    /** [rows, length]. */
    sorted: T,
    /** [rows, count]. */
    values: T,
    places: Int32Array,
  ): void;
  reduceSegments<T extends Numbers>(
    rows: number,
    cols: number,
    count: number,
    segments: number,
    mean: boolean,
    /** [rows, cols]. */
    x: T,
    indices: Int32Array,
    ids: Int32Array,
    /** [segments, cols]. */
    out: T,
  ): boolean;
  /** How many elements there are when every empty row has one, or -1 where a row is outside. */
  countRows(
    count: number,
    rank: number,
    rows: number,
    indices: Int32Array,
    /** [rows]: where the elements of each begin. */
    next: Int32Array,
    /** [rows]. */
    empty: Uint8Array,
  ): number;
  fillRows<T extends Elements>(
    rank: number,
    indices: Int32Array,
    values: T,
    /** One, for empty rows. */
    rest: T,
    next: Int32Array,
    empty: Uint8Array,
    places: Int32Array,
    filled: T,
    reverse: Int32Array,
  ): boolean;
  /** Both shapes have as many elements, at least 1. */
  reshapeIndices(
    count: number,
    from: readonly number[],
    to: readonly number[],
    indices: Int32Array,
    out: Int32Array,
  ): boolean;
}
