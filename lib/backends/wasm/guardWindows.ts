// Guards of the pools and convolutions of tfjs's WebAssembly backend.

import * as tf from '@tensorflow/tfjs';
import { InputError } from '../../core/errors.ts';
import { replaceKernel, type KernelArguments } from './replaceKernel.ts';

type Info = tf.backend_util.Conv2DInfo | tf.backend_util.Conv3DInfo;
type Inputs = Readonly<Record<string, tf.TensorInfo>>;
type Shape4 = [number, number, number, number];
type Shape5 = [number, number, number, number, number];

const pools = [tf.MaxPool, tf.AvgPool, tf.MaxPoolWithArgmax];
const poolGradients = [tf.MaxPoolGrad, tf.AvgPoolGrad];
const volumePools = [tf.MaxPool3D, tf.AvgPool3D, tf.MaxPool3DGrad, tf.AvgPool3DGrad];
const convolutions = [tf.Conv2D, tf.FusedConv2D];
const depthwise = [tf.DepthwiseConv2dNative, tf.FusedDepthwiseConv2D];

/**
 * Refuses a window that is larger than its image, and rounds numbers of windows up or to the nearest as asked.
 *
 * XNNPACK computes how many there are by itself, rounded down; the results of the others are what lay in the memory. Padding behind the
 * image that makes it whole steps gives all of them.
 */
export function guardWindows(): void {
  for (const kernelName of pools) guard(kernelName, imagePool, wholePools);
  for (const kernelName of convolutions)
    guard(kernelName, (call) => convolution(call, false), wholeSteps);
  for (const kernelName of depthwise)
    guard(kernelName, (call) => convolution(call, true), wholeSteps);
  for (const kernelName of poolGradients) guardGradient(kernelName);
  for (const kernelName of volumePools) guard(kernelName, volumePool);
  guard(tf.Conv3D, volumeConvolution);
}

function guard<Of extends Info>(
  kernelName: string,
  infoOf: (call: KernelArguments) => Of,
  whole?: (kernelName: string, info: Of) => number[][],
): void {
  replaceKernel(kernelName, (original) => (call) => {
    const info = infoOf(call);
    assertFits(kernelName, info);
    const pad = whole?.(kernelName, info);
    const { dimRoundingMode } = call.attrs as { dimRoundingMode?: string };
    const rounds = dimRoundingMode === 'ceil' || dimRoundingMode === 'round';
    if (pad === undefined || !rounds) return original(call);
    return original({ ...call, attrs: { ...call.attrs, pad, dimRoundingMode: 'floor' } as never });
  });
}

// tfjs does not hand on how the number of windows was rounded; the gradient of the results tells it.
function guardGradient(kernelName: string): void {
  replaceKernel(kernelName, (original) => (call) => {
    const { dy } = inputsOf(call);
    const modes = [undefined, 'floor', 'ceil', 'round'] as const;
    for (const dimRoundingMode of modes) {
      const attrs = { ...call.attrs, ...(dimRoundingMode && { dimRoundingMode }) };
      const rounded = { ...call, attrs } as KernelArguments;
      if (tf.util.arraysEqual(imagePool(rounded).outShape, dy!.shape)) return original(rounded);
    }
    throw new InputError(
      `Expected the gradient of every window for ${kernelName}, received [${dy!.shape}].`,
    );
  });
}

function inputsOf({ inputs }: KernelArguments): Inputs {
  return inputs as Inputs;
}

function imagePool(call: KernelArguments): tf.backend_util.Conv2DInfo {
  const { x, input } = inputsOf(call);
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs as unknown as tf.MaxPoolAttrs;
  const shape = (input ?? x)!.shape as Shape4;
  return tf.backend_util.computePool2DInfo(
    ...([shape, filterSize, strides, 1, pad as number, dimRoundingMode] as const),
  );
}

function volumePool(call: KernelArguments): tf.backend_util.Conv3DInfo {
  const { x, input } = inputsOf(call);
  const attrs = call.attrs as unknown as tf.MaxPool3DAttrs;
  const { filterSize, strides, pad, dimRoundingMode, dataFormat } = attrs;
  const shape = (input ?? x)!.shape as Shape5;
  return tf.backend_util.computePool3DInfo(
    ...([shape, filterSize, strides, 1, pad as number, dimRoundingMode, dataFormat] as const),
  );
}

function convolution(call: KernelArguments, byChannel: boolean): tf.backend_util.Conv2DInfo {
  const { x, filter } = inputsOf(call);
  const attrs = call.attrs as unknown as tf.Conv2DAttrs;
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = attrs;
  const format = dataFormat === 'NCHW' ? 'channelsFirst' : 'channelsLast';
  return tf.backend_util.computeConv2DInfo(
    ...([x!.shape as Shape4, filter!.shape as Shape4, strides, dilations] as const),
    ...([pad as number, dimRoundingMode, byChannel, format] as const),
  );
}

function volumeConvolution(call: KernelArguments): tf.backend_util.Conv3DInfo {
  const { x, filter } = inputsOf(call);
  const { strides, dilations, pad } = call.attrs as unknown as tf.Conv3DAttrs;
  return tf.backend_util.computeConv3DInfo(
    ...([x!.shape as Shape5, filter!.shape as Shape5, strides, dilations, pad] as const),
  );
}

function assertFits(kernelName: string, info: Info): void {
  const { inHeight, inWidth, effectiveFilterHeight, effectiveFilterWidth, outShape } = info;
  const [inSizes, filter] = [
    [inHeight, inWidth],
    [effectiveFilterHeight, effectiveFilterWidth],
  ];
  if ('inDepth' in info) {
    inSizes.unshift(info.inDepth);
    filter.unshift(info.effectiveFilterDepth);
  }
  const results = info.dataFormat === 'channelsLast' ? outShape.slice(1, -1) : outShape.slice(2);
  if (results.every((size) => Number.isInteger(size) && size > 0) || inSizes.includes(0)) return;
  throw new InputError(
    `Expected a window that fits into ${inSizes.join(' × ')} for ${kernelName}, received one of ${filter.join(' × ')}. Make it smaller, or pad the input.`,
  );
}

// The padding with which the windows of both axes come out even.
function wholeSteps(_: string, info: tf.backend_util.Conv2DInfo): number[][] {
  const { top, left } = info.padInfo;
  const behind = (size: number, results: number, stride: number, window: number, before: number) =>
    Math.max(0, (results - 1) * stride + window - before - size);
  const { inHeight, outHeight, strideHeight, effectiveFilterHeight } = info;
  const { inWidth, outWidth, strideWidth, effectiveFilterWidth } = info;
  return [
    [0, 0],
    [top, behind(inHeight, outHeight, strideHeight, effectiveFilterHeight, top)],
    [left, behind(inWidth, outWidth, strideWidth, effectiveFilterWidth, left)],
    [0, 0],
  ];
}

// As wholeSteps, of pools: a window that sees nothing has no maximum and no mean, and XNNPACK stops at it.
function wholePools(kernelName: string, info: tf.backend_util.Conv2DInfo): number[][] {
  const { inHeight, outHeight, strideHeight, effectiveFilterHeight } = info;
  const { inWidth, outWidth, strideWidth, effectiveFilterWidth } = info;
  const { top, left } = info.padInfo;
  for (const [size, results, stride, window, before] of [
    [inHeight, outHeight, strideHeight, effectiveFilterHeight, top],
    [inWidth, outWidth, strideWidth, effectiveFilterWidth, left],
  ] as const) {
    const last = (results - 1) * stride - before;
    if (before < window && last < size) continue;
    throw new InputError(
      `Expected windows that each see some of ${size} pixels for ${kernelName}, received one of ${window} that begins at ${before < window ? last : -before}. Pad less, or round down.`,
    );
  }
  return wholeSteps(kernelName, info);
}
