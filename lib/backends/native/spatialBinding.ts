// The entries of native/spatial_binding.cc; what the kernels compute is said in native/spatial.h.

import type { Numbers } from './elements.ts';

/**
 * The window of a filter or a pool over images: batch, channels, then of the depth, the height and the width their size, the results, the
 * filter, its stride, its dilation and the padding before.
 */
export type Window = readonly number[];

/** The source rows and columns of boxes: places of the image before and behind, and how far between; -1 is outside. */
export type Steps = readonly [
  rowLow: Int32Array,
  rowHigh: Int32Array,
  rowPart: Float32Array,
  columnLow: Int32Array,
  columnHigh: Int32Array,
  columnPart: Float32Array,
];

/** Kernels on images and volumes. */
export interface SpatialBinding {
  pool(window: Window, op: number, x: Float32Array, out: Float32Array): void;
  poolPositions(
    window: Window,
    kind: number,
    last: boolean,
    x: Float32Array,
    positions: Int32Array,
  ): void;
  maxPoolGrad(window: Window, positions: Int32Array, dY: Float32Array, dX: Float32Array): void;
  meanPoolGrad(window: Window, factor: number, dY: Float32Array, dX: Float32Array): void;
  /** A filter with one output a channel; results are held between low and high. */
  depthwise(
    window: Window,
    x: Float32Array,
    filter: Float32Array,
    bias: Float32Array | null,
    low: number,
    high: number,
    out: Float32Array,
  ): void;
  depthwiseInputGrad(
    window: Window,
    dY: Float32Array,
    filter: Float32Array,
    dX: Float32Array,
  ): void;
  depthwiseFilterGrad(
    window: Window,
    x: Float32Array,
    dY: Float32Array,
    dFilter: Float32Array,
  ): void;
  convolve(
    window: Window,
    outChannels: number,
    x: Float32Array,
    filter: Float32Array,
    bias: Float32Array | null,
    low: number,
    high: number,
    out: Float32Array,
  ): void;
  convolveFilterGrad(
    window: Window,
    outChannels: number,
    x: Float32Array,
    dY: Float32Array,
    dFilter: Float32Array,
  ): void;
  sumColumns(window: Window, columns: Float32Array, x: Float32Array): void;
  sample(
    descriptor: Float64Array,
    image: Int32Array,
    ...rest: [...Steps, x: Float32Array, out: Float32Array]
  ): void;
  sampleGrad(
    descriptor: Float64Array,
    ...rest: [...Steps, dY: Float32Array, dX: Float32Array]
  ): void;
  gatherPixels(
    images: number,
    pixels: number,
    channels: number,
    count: number,
    index: Int32Array,
    fill: Float32Array,
    x: Float32Array,
    out: Float32Array,
  ): void;
  normalize(
    rows: number,
    cols: number,
    x: Float32Array,
    mean: Float32Array,
    factor: Float32Array,
    offset: Float32Array | null,
    out: Float32Array,
  ): void;
  transform(descriptor: Float64Array, maps: Float32Array, x: Float32Array, out: Float32Array): void;
  dilate<T extends Numbers>(window: Window, x: T, filter: T, out: T): void;
  dilateInputGrad(
    window: Window,
    x: Float32Array,
    filter: Float32Array,
    dY: Float32Array,
    dX: Float32Array,
  ): void;
  dilateFilterGrad(
    window: Window,
    x: Float32Array,
    filter: Float32Array,
    dY: Float32Array,
    dFilter: Float32Array,
  ): void;
  /** How many boxes are chosen, at most as many as `chosen` is long; -1, and nothing is written, where a corner is not finite. */
  nonMaxSuppression(
    boxes: Float32Array,
    scores: Float32Array,
    overlap: number,
    threshold: number,
    scale: number,
    chosen: Int32Array,
    chosenScores: Float32Array | null,
  ): number;
}
