import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { isServed, windowOf, type SpatialInfo } from '../window.ts';
import { activated, boundsOf, isBounded } from './activation.ts';
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
    if (attrs.dataFormat !== 'NHWC') return undefined;
    const { strides, pad, dilations, dimRoundingMode } = attrs;
    const info = imageInfo(x.shape, filter.shape, strides, dilations, pad, dimRoundingMode);
    return convolved(backend, x, filter, null, info);
  });
  replaceKernel<FusedForward, tf.FusedConv2DAttrs>(tf.FusedConv2D, ({ inputs, attrs, backend }) => {
    const { x, filter, bias, preluActivationWeights } = inputs;
    const { strides, pad, dilations, dimRoundingMode, activation, leakyreluAlpha } = attrs;
    if (attrs.dataFormat !== 'NHWC') return undefined;
    if (bias != null && (!areFloats(bias) || sizeOf(bias.shape) !== filter.shape[3]))
      return undefined;
    const info = imageInfo(x.shape, filter.shape, strides, dilations, pad, dimRoundingMode);
    const bounds = boundsOf(activation);
    const sums = convolved(backend, x, filter, bias ?? null, info, bounds);
    if (sums === undefined || isBounded(activation)) return sums;
    return activated(backend, sums, activation, preluActivationWeights, leakyreluAlpha);
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
