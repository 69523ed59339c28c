// Depthwise convolution and its gradients.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { REDUCE } from '../generated/enums.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { makeWalk } from '../walk.ts';
import { isDense, isServed, flippedWindow, windowOf } from '../window.ts';
import { activated, boundsOf, isBounded } from './activation.ts';
import { imageInfo } from './convolution.ts';
import { areFloats, replaceKernel } from './kernel.ts';

type ConvInfo = tf.backend_util.Conv2DInfo;
interface Forward {
  x: tf.TensorInfo;
  filter: tf.TensorInfo;
}
interface FusedForward extends Forward {
  bias?: tf.TensorInfo;
  preluActivationWeights?: tf.TensorInfo;
}

/** Registers depthwise convolution, alone and with a bias and an activation, and its gradients. */
export function registerDepthwise(): void {
  replaceKernel<Forward, tf.DepthwiseConv2dNativeAttrs>(
    tf.DepthwiseConv2dNative,
    ({ inputs: { x, filter }, attrs, backend }) => {
      const info = forwardInfo(x, filter, attrs);
      return info && convolved(backend, x, filter, null, info);
    },
  );
  replaceKernel<FusedForward, tf.FusedDepthwiseConv2DAttrs>(
    tf.FusedDepthwiseConv2D,
    ({ inputs, attrs, backend }) => {
      const { x, filter, bias, preluActivationWeights } = inputs;
      const { activation } = attrs;
      const leakyreluAlpha = (attrs as { leakyreluAlpha?: number }).leakyreluAlpha;
      const info = forwardInfo(x, filter, attrs);
      if (info === undefined) return undefined;
      if (bias != null && (!areFloats(bias) || sizeOf(bias.shape) !== info.outChannels))
        return undefined;
      const sums = convolved(backend, x, filter, bias ?? null, info, boundsOf(activation));
      if (sums === undefined || isBounded(activation)) return sums;
      return activated(backend, sums, activation, preluActivationWeights, leakyreluAlpha);
    },
  );
  replaceKernel<{ x: tf.TensorInfo; dy: tf.TensorInfo }, FilterGradAttrs>(
    tf.DepthwiseConv2dNativeBackpropFilter,
    ({ inputs: { x, dy }, attrs, backend }) => {
      const { strides, pad, dilations, dimRoundingMode, filterShape } = attrs;
      const info = imageInfo(x.shape, filterShape, strides, dilations, pad, dimRoundingMode, true);
      if (!areFloats(x, dy) || !isServed(info, dy) || !isClose(info)) return undefined;
      const image = repeated(backend, x, info);
      const { info: out, values } = backend.output(info.filterShape);
      const window = windowOf(info, info.outChannels);
      const [from, dOut] = [backend.floats(image), backend.floats(dy)];
      backend.binding.depthwiseFilterGrad(window, from, dOut, values);
      if (image !== x) backend.disposeIntermediateTensorInfo(image);
      return out;
    },
  );
  replaceKernel<{ dy: tf.TensorInfo; filter: tf.TensorInfo }, InputGradAttrs>(
    tf.DepthwiseConv2dNativeBackpropInput,
    ({ inputs: { dy, filter }, attrs, backend }) => {
      const { strides, pad, dilations, dimRoundingMode, inputShape } = attrs;
      const info = imageInfo(
        ...([inputShape, filter.shape, strides, dilations, pad, dimRoundingMode, true] as const),
      );
      if (!areFloats(dy, filter) || !isServed(info, dy) || !isClose(info)) return undefined;
      return inputGradient(backend, dy, filter, info);
    },
  );
}

type FilterGradAttrs = tf.DepthwiseConv2dNativeBackpropFilterAttrs;
type InputGradAttrs = tf.DepthwiseConv2dNativeBackpropInputAttrs;

function forwardInfo(
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  attrs: Omit<tf.DepthwiseConv2dNativeAttrs, 'dataFormat'> & { dataFormat?: string },
): ConvInfo | undefined {
  const { strides, pad, dimRoundingMode, dataFormat } = attrs;
  const dilations = attrs.dilations ?? [1, 1];
  const allowed = tf.backend_util.eitherStridesOrDilationsAreOne(strides, dilations);
  if (!allowed || (dataFormat != null && dataFormat !== 'NHWC')) return undefined;
  return imageInfo(x.shape, filter.shape, strides, dilations, pad, dimRoundingMode, true);
}

// The inherited gradients leave dilations out.
function isClose(info: ConvInfo): boolean {
  return info.dilationHeight === 1 && info.dilationWidth === 1;
}

function convolved(
  backend: NativeBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | null,
  info: ConvInfo,
  [low, high]: readonly [number, number] = [-Infinity, Infinity],
): tf.TensorInfo | undefined {
  if (!areFloats(x, filter) || !isServed(info)) return undefined;
  const image = repeated(backend, x, info);
  const { info: out, values } = backend.output(info.outShape);
  backend.binding.depthwise(
    windowOf(info, info.outChannels),
    backend.floats(image),
    backend.floats(filter),
    bias === null ? null : backend.floats(bias),
    low,
    high,
    values,
  );
  if (image !== x) backend.disposeIntermediateTensorInfo(image);
  return out;
}

// x with each channel as often as it has outputs: then every output has a channel of its own.
function repeated(backend: NativeBackend, x: tf.TensorInfo, info: ConvInfo): tf.TensorInfo {
  const { inChannels, outChannels } = info;
  if (inChannels === outChannels) return x;
  const { info: out, values } = backend.output([...x.shape.slice(0, -1), outChannels]);
  const times = outChannels / inChannels;
  const walk = makeWalk([
    [sizeOf(x.shape), 1, times],
    [times, 0, 1],
  ])!;
  backend.binding.copy(walk, backend.floats(x), 0, values, 0);
  return out;
}

function inputGradient(
  backend: NativeBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: ConvInfo,
): tf.TensorInfo {
  const { inChannels, outChannels } = info;
  const [dOut, weights] = [backend.floats(dy), backend.floats(filter)];
  const each = backend.output([...info.inShape.slice(0, -1), outChannels]);
  if (isDense(info) && weights.length > 0) {
    const flipped = backend.output([weights.length]);
    const walk = makeWalk([
      [weights.length / outChannels, -outChannels, outChannels],
      [outChannels, 1, 1],
    ])!;
    backend.binding.copy(walk, weights, weights.length - outChannels, flipped.values, 0);
    const window = flippedWindow(info, outChannels);
    const [low, high] = [-Infinity, Infinity];
    backend.binding.depthwise(window, dOut, flipped.values, null, low, high, each.values);
    backend.disposeIntermediateTensorInfo(flipped.info);
  } else {
    const window = windowOf(info, outChannels);
    backend.binding.depthwiseInputGrad(window, dOut, weights, each.values);
  }
  if (inChannels === outChannels) return each.info;
  const { info: out, values } = backend.output(info.inShape);
  const times = outChannels / inChannels;
  backend.binding.reduce(REDUCE.sum, values.length, times, 1, each.values, values);
  backend.disposeIntermediateTensorInfo(each.info);
  return out;
}
