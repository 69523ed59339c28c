// Windows of convolutions and pools, as native kernels take them.

import type * as tf from '@tensorflow/tfjs';
import type { Window } from './spatialBinding.ts';

/** The sizes that tfjs computes from the shapes and attributes of a convolution or a pool. */
export type SpatialInfo = tf.backend_util.Conv2DInfo | tf.backend_util.Conv3DInfo;

/** One axis of a window: size, results, filter, stride, dilation, padding before. */
export type Axis = readonly [number, number, number, number, number, number];

/** The depth, the height and the width of a window; an image has a depth of 1. */
export function axesOf(info: SpatialInfo): readonly [Axis, Axis, Axis] {
  const depth: Axis =
    'inDepth' in info
      ? [
          info.inDepth,
          info.outDepth,
          info.filterDepth,
          info.strideDepth,
          info.dilationDepth,
          info.padInfo.front,
        ]
      : [1, 1, 1, 1, 1, 0];
  return [
    depth,
    [
      info.inHeight,
      info.outHeight,
      info.filterHeight,
      info.strideHeight,
      info.dilationHeight,
      info.padInfo.top,
    ],
    [
      info.inWidth,
      info.outWidth,
      info.filterWidth,
      info.strideWidth,
      info.dilationWidth,
      info.padInfo.left,
    ],
  ];
}

/** A window, of `channels` if they are not those of the input. */
export function windowOf(info: SpatialInfo, channels = info.inChannels): Window {
  return [info.batchSize, channels, ...axesOf(info).flat()];
}

/**
 * Whether a native kernel serves it: channels last, and sizes that a tensor can have; those of dy, if there is one, are the results'.
 */
export function isServed(info: SpatialInfo, dy?: tf.TensorInfo): boolean {
  const sizes = [...info.inShape, ...info.outShape];
  const fits = dy === undefined || info.outShape.every((size, axis) => size === dy.shape[axis]);
  return (
    fits &&
    info.dataFormat === 'channelsLast' &&
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0)
  );
}

/**
 * The window of the gradient of the input where the filter moves by single steps: the filter, flipped along its axes, moves over dy, whose
 * channels are `channels`.
 */
export function flippedWindow(info: SpatialInfo, channels: number): Window {
  const axes = axesOf(info).map(([size, results, filter, stride, dilation, pad]) => [
    results,
    size,
    filter,
    stride,
    dilation,
    filter - 1 - pad,
  ]);
  return [info.batchSize, channels, ...axes.flat()];
}

/** Whether it moves by single steps and its taps lie side by side. */
export function isDense(info: SpatialInfo): boolean {
  return axesOf(info).every(([, , , stride, dilation]) => stride === 1 && dilation === 1);
}
