// Convolutions of images and volumes.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { isServed, windowOf, type SpatialInfo } from '../window.ts';
import { activated, boundsOf, isBounded } from './activation.ts';
import {
  channelsFirst,
  padWithChannelsLast,
  shapeWithChannelsLast,
  withChannelsLast,
} from './channelsFirst.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface Forward {
  x: tf.TensorInfo;
  filter: tf.TensorInfo;
}
interface FusedForward extends Forward {
  bias?: tf.TensorInfo;
  preluActivationWeights?: tf.TensorInfo;
}

/** Registers convolution of images [B, H, W, C], alone and with a bias and an activation, and of volumes [B, D, H, W, C]. */
export function registerConvolution(): void {
  replaceKernel<Forward, tf.Conv2DAttrs>(tf.Conv2D, ({ inputs: { x, filter }, attrs, backend }) => {
    return convolvedImages(backend, x, filter, null, attrs);
  });
  replaceKernel<FusedForward, tf.FusedConv2DAttrs>(tf.FusedConv2D, ({ inputs, attrs, backend }) => {
    const { x, filter, bias, preluActivationWeights } = inputs;
    const { dataFormat, activation, leakyreluAlpha } = attrs;
    // With channels first, a bias of several axes is none of channels.
    if (bias != null && dataFormat === 'NCHW' && bias.shape.length > 1) return undefined;
    if (bias != null && (!areFloats(bias) || sizeOf(bias.shape) !== filter.shape[3]))
      return undefined;
    const bounds = boundsOf(activation);
    const sums = convolvedImages(backend, x, filter, bias ?? null, attrs, bounds);
    if (sums === undefined || isBounded(activation)) return sums;
    let alpha = preluActivationWeights;
    if (dataFormat === 'NCHW' && alpha?.shape.length === 1)
      alpha = { ...alpha, shape: [alpha.shape[0]!, 1, 1] };
    return activated(backend, sums, activation, alpha, leakyreluAlpha);
  });
  replaceKernel<Forward, tf.Conv3DAttrs>(tf.Conv3D, ({ inputs: { x, filter }, attrs, backend }) => {
    if (attrs.dataFormat !== 'NDHWC') return undefined;
    const { strides, pad, dilations } = attrs;
    const info = volumeInfo(x.shape, filter.shape, strides, dilations, pad);
    return convolved(backend, x, filter, null, info);
  });
}

/** Sizes and padding of a convolution of images. */
export function imageInfo(
  xShape: number[],
  filterShape: number[],
  strides: number | [number, number],
  dilations: number | [number, number],
  pad: tf.Conv2DAttrs['pad'],
  rounding: tf.Conv2DAttrs['dimRoundingMode'],
  depthwise = false,
): tf.backend_util.Conv2DInfo {
  const x = xShape as [number, number, number, number];
  const filter = filterShape as [number, number, number, number];
  return tf.backend_util.computeConv2DInfo(
    x,
    filter,
    strides,
    dilations,
    pad as number,
    rounding,
    depthwise,
  );
}

/** Sizes and padding of a convolution of volumes. */
export function volumeInfo(
  xShape: number[],
  filterShape: number[],
  strides: number | [number, number, number],
  dilations: number | [number, number, number],
  pad: 'valid' | 'same',
): tf.backend_util.Conv3DInfo {
  const x = xShape as [number, number, number, number, number];
  const filter = filterShape as [number, number, number, number, number];
  return tf.backend_util.computeConv3DInfo(x, filter, strides, dilations, pad);
}

function convolvedImages(
  backend: NativeBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | null,
  attrs: Omit<tf.Conv2DAttrs, 'dataFormat'> & { dataFormat: string },
  bounds?: readonly [number, number],
): tf.TensorInfo | undefined {
  const { strides, pad, dilations, dimRoundingMode, dataFormat } = attrs;
  const of = (shape: number[], padding: typeof pad): tf.backend_util.Conv2DInfo =>
    imageInfo(shape, filter.shape, strides, dilations, padding, dimRoundingMode);
  if (dataFormat === 'NHWC') return convolved(backend, x, filter, bias, of(x.shape, pad), bounds);
  if (dataFormat !== 'NCHW' || !areFloats(x, filter)) return undefined;
  const info = of(shapeWithChannelsLast(x.shape), padWithChannelsLast(pad));
  const sums = withChannelsLast(backend, [x], (channelsLast) =>
    convolved(backend, channelsLast!, filter, bias, info, bounds),
  );
  return channelsFirst(backend, sums);
}

function convolved(
  backend: NativeBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | null,
  info: SpatialInfo,
  [low, high]: readonly [number, number] = [-Infinity, Infinity],
): tf.TensorInfo | undefined {
  if (!areFloats(x, filter) || !isServed(info)) return undefined;
  const { info: out, values } = backend.output(info.outShape);
  backend.binding.convolve(
    windowOf(info),
    info.outChannels,
    backend.floats(x),
    backend.floats(filter),
    bias === null ? null : backend.floats(bias),
    low,
    high,
    values,
  );
  return out;
}
