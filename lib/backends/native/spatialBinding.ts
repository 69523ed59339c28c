// The entries of native/spatial_binding.cc; what the kernels compute is said in native/spatial.h.

import type { Numbers } from './elements.ts';

/** Numbers of `pool`. A mean of nothing is NaN, or 0. */
export const POOL = { max: 0, mean: 1, meanOrZero: 2 } as const;
/** What `poolPositions` names: a pixel of an image, an element of it, or one of the batch. */
export const POSITION = { pixel: 0, element: 1, elementOfBatch: 2 } as const;
/** Numbers of what a point beyond an image counts as. */
export const BORDER = { constant: 0, reflect: 1, wrap: 2, nearest: 3 } as const;
/**
 * What a filter or a pool sees of images: batch, channels, then of the depth, the height and the width their size, the results, the
 * filter, its stride, its dilation and the padding before.
 */
export type Window = readonly number[];

/** Where rows and columns of boxes come from: places of the image before and behind, and how far between; -1 is outside. */
export type Steps = readonly [
  /** Whether all boxes have the same. */
  shared: boolean,
  boxHeight: number,
  boxWidth: number,
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
    images: number,
    height: number,
    width: number,
    channels: number,
    boxes: number,
    nearest: boolean,
    fill: number,
    image: Int32Array,
    ...rest: [...Steps, x: Float32Array, out: Float32Array]
  ): void;
  sampleGrad(
    images: number,
    height: number,
    width: number,
    channels: number,
    nearest: boolean,
    ...rest: [...Steps, dY: Float32Array, dX: Float32Array]
  ): void;
  pick(
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
  transform(
    batch: number,
    height: number,
    width: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    bilinear: boolean,
    border: number,
    fill: number,
    /** Whether all images have the same map. */
    shared: boolean,
    maps: Float32Array,
    x: Float32Array,
    out: Float32Array,
  ): void;
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
  suppress(
    boxes: Float32Array,
    scores: Float32Array,
    overlap: number,
    threshold: number,
    scale: number,
    chosen: Int32Array,
    chosenScores: Float32Array | null,
  ): number;
}
