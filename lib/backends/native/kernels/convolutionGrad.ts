// Gradients of convolutions of images and volumes.

import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../nativeBackend.ts';
import { makeWalk } from '../walk.ts';
import { axesOf, isDense, isServed, flippedWindow, windowOf, type SpatialInfo } from '../window.ts';
import {
  channelsFirst,
  padWithChannelsLast,
  shapeWithChannelsLast,
  withChannelsLast,
} from './channelsFirst.ts';
import { imageInfo, volumeInfo } from './convolution.ts';
import { gemmArrays } from './gemm.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface FilterGrad {
  x: tf.TensorInfo;
  dy: tf.TensorInfo;
}
interface InputGrad {
  dy: tf.TensorInfo;
  filter: tf.TensorInfo;
}

// Columns of the input's gradient are made for so many floats at a time (8 MB), a whole image at least.
const COLUMN_FLOATS = 2 ** 21;

/** Registers the gradients of convolution of images and volumes. */
export function registerConvolutionGrad(): void {
  replaceKernel<FilterGrad, tf.Conv2DBackpropFilterAttrs>(
    tf.Conv2DBackpropFilter,
    ({ inputs: { x, dy }, attrs, backend }) => {
      const { filterShape, dataFormat } = attrs;
      const info = gradientInfo(x.shape, filterShape, attrs);
      if (dataFormat === 'NHWC') return filterGradient(backend, x, dy, info);
      if (dataFormat !== 'NCHW' || !areFloats(x, dy)) return undefined;
      return withChannelsLast(backend, [x, dy], (image, dOut) =>
        filterGradient(backend, image!, dOut!, info),
      );
    },
  );
  replaceKernel<FilterGrad, tf.Conv3DBackpropFilterV2Attrs>(
    tf.Conv3DBackpropFilterV2,
    ({ inputs: { x, dy }, attrs: { strides, pad, filterShape }, backend }) =>
      filterGradient(backend, x, dy, volumeInfo(x.shape, filterShape, strides, 1, pad)),
  );
  replaceKernel<InputGrad, tf.Conv2DBackpropInputAttrs>(
    tf.Conv2DBackpropInput,
    ({ inputs: { dy, filter }, attrs, backend }) => {
      const { inputShape, dataFormat } = attrs;
      const info = gradientInfo(inputShape, filter.shape, attrs);
      if (dataFormat === 'NHWC') return inputGradient(backend, dy, filter, info);
      if (dataFormat !== 'NCHW' || !areFloats(dy, filter)) return undefined;
      const dx = withChannelsLast(backend, [dy], (dOut) =>
        inputGradient(backend, dOut!, filter, info),
      );
      return channelsFirst(backend, dx);
    },
  );
  replaceKernel<InputGrad, tf.Conv3DBackpropInputV2Attrs>(
    tf.Conv3DBackpropInputV2,
    ({ inputs: { dy, filter }, attrs: { strides, pad, inputShape }, backend }) =>
      inputGradient(backend, dy, filter, volumeInfo(inputShape, filter.shape, strides, 1, pad)),
  );
}

// The sizes of the convolution as one of images with channels last, whichever layout they have.
function gradientInfo(
  shape: number[],
  filterShape: number[],
  attrs: Omit<tf.Conv2DBackpropInputAttrs, 'inputShape'>,
): tf.backend_util.Conv2DInfo {
  const { strides, dimRoundingMode, dataFormat } = attrs;
  const first = dataFormat === 'NCHW';
  const pad = first ? padWithChannelsLast(attrs.pad) : attrs.pad;
  const of = first ? shapeWithChannelsLast(shape) : shape;
  return imageInfo(of, filterShape, strides, 1, pad, dimRoundingMode);
}

function filterGradient(
  backend: NativeBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: SpatialInfo,
): tf.TensorInfo | undefined {
  if (!areFloats(x, dy) || !isServed(info, dy)) return undefined;
  const { info: out, values } = backend.output(info.filterShape);
  const [image, dOut] = [backend.floats(x), backend.floats(dy)];
  backend.binding.convolveFilterGrad(windowOf(info), info.outChannels, image, dOut, values);
  return out;
}

function inputGradient(
  backend: NativeBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: SpatialInfo,
): tf.TensorInfo | undefined {
  if (!areFloats(dy, filter) || !isServed(info, dy)) return undefined;
  return isDense(info)
    ? gradientByTurning(backend, dy, filter, info)
    : gradientByColumns(backend, dy, filter, info);
}

// A convolution of dy with the filter flipped along its spatial axes and its channels transposed.
function gradientByTurning(
  backend: NativeBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: SpatialInfo,
): tf.TensorInfo {
  const { inChannels, outChannels } = info;
  const size = inChannels * outChannels;
  const weights = backend.floats(filter);
  const flipped = backend.output([weights.length]);
  if (weights.length > 0) {
    const taps = weights.length / size;
    const walk = makeWalk([
      [taps, -size, size],
      [outChannels, 1, inChannels],
      [inChannels, outChannels, 1],
    ])!;
    backend.binding.copy(walk, weights, (taps - 1) * size, flipped.values, 0);
  }
  const { info: out, values } = backend.output(info.inShape);
  const window = flippedWindow(info, outChannels);
  const [low, high] = [-Infinity, Infinity];
  const dOut = backend.floats(dy);
  backend.binding.convolve(window, inChannels, dOut, flipped.values, null, low, high, values);
  backend.disposeIntermediateTensorInfo(flipped.info);
  return out;
}

// Products of dy with the filter, added to the pixels that they belong to.
function gradientByColumns(
  backend: NativeBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: SpatialInfo,
): tf.TensorInfo {
  const { batchSize, inChannels, outChannels } = info;
  const axes = axesOf(info);
  const productOf = (part: 0 | 1 | 2): number => axes.reduce((all, axis) => all * axis[part], 1);
  const size = productOf(0) * inChannels;
  const area = productOf(1);
  const k = productOf(2) * inChannels;
  const { info: out, values } = backend.output(info.inShape);
  const each = Math.max(1, Math.min(batchSize, Math.floor(COLUMN_FLOATS / (area * k))));
  const columns = backend.output([each * area, k]);
  const [dOut, weights] = [backend.floats(dy), backend.floats(filter)];
  for (let b = 0; b < batchSize; b += each) {
    const count = Math.min(each, batchSize - b);
    const m = count * area;
    const rows = dOut.subarray(b * area * outChannels, (b * area + m) * outChannels);
    const products = columns.values.subarray(0, m * k);
    const shape = { m, n: k, k: outChannels, transposeB: true };
    gemmArrays(backend, 'fp32', rows, weights, products, shape);
    const [, channels, ...rest] = windowOf(info);
    const part = values.subarray(b * size, (b + count) * size);
    backend.binding.sumColumns([count, channels!, ...rest], products, part);
  }
  backend.disposeIntermediateTensorInfo(columns.info);
  return out;
}
