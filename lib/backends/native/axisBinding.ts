// The entries of native/axis_binding.cc.

import type { Numbers } from './elements.ts';

/** The first arguments of the calls of a local response. */
export type LocalResponseArguments = readonly [
  rows: number,
  cols: number,
  radius: number,
  bias: number,
  alpha: number,
  beta: number,
];

/** Kernels along an axis: x is [outer, n, inner]. */
export interface AxisBinding {
  prod(outer: number, n: number, inner: number, x: Float32Array, out: Float32Array): void;
  reduceInts(
    op: number,
    outer: number,
    n: number,
    inner: number,
    x: Int32Array,
    out: Int32Array,
  ): void;
  reduceBools(
    all: boolean,
    outer: number,
    n: number,
    inner: number,
    x: Uint8Array,
    out: Uint8Array,
  ): void;
  argExtreme(
    max: boolean,
    outer: number,
    n: number,
    inner: number,
    x: Numbers,
    out: Int32Array,
  ): void;
  scan<T extends Numbers>(
    times: boolean,
    exclusive: boolean,
    reverse: boolean,
    outer: number,
    n: number,
    inner: number,
    x: T,
    out: T,
  ): void;
  localResponse(...args: [...LocalResponseArguments, x: Float32Array, out: Float32Array]): void;
  localResponseGrad(
    ...args: [
      ...LocalResponseArguments,
      x: Float32Array,
      y: Float32Array,
      dY: Float32Array,
      dX: Float32Array,
    ]
  ): void;
  fft(
    batch: number,
    n: number,
    inverse: boolean,
    re: Float32Array,
    im: Float32Array,
    outRe: Float32Array,
    outIm: Float32Array,
  ): void;
  /** The absolute values of complex numbers. */
  magnitude(re: Float32Array, im: Float32Array, out: Float32Array): void;
}
