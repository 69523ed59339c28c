import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { ACTIVATION, BINARY, PRECISION, UNARY } from '../binding.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { makeWalk, stridesOf } from '../walk.ts';
import { areFloats, replaceKernel } from './kernel.ts';

type ConvInfo = tf.backend_util.Conv2DInfo;
interface Forward {
  x: tf.TensorInfo;
  filter: tf.TensorInfo;
}
interface FusedForward extends Forward {
  bias?: tf.TensorInfo;
}

// Columns are written out for so many floats at a time (8 MB), a whole image at least.
const COLUMN_FLOATS = 2 ** 21;

/**
 * Registers 2-D convolution on [B, H, W, C] and the gradient of its filter as products with the columns that the filter sees,
 * and the gradient of its input where those do not overlap (patch embedding).
 */
export function registerConvolution(): void {
  replaceKernel<Forward, tf.Conv2DAttrs>(tf.Conv2D, ({ inputs: { x, filter }, attrs, backend }) => {
    if (!areFloats(x, filter) || attrs.dataFormat !== 'NHWC') return undefined;
    const { strides, pad, dilations, dimRoundingMode } = attrs;
    const info = infoOf(x.shape, filter.shape, strides, dilations, pad, dimRoundingMode);
    return convolved(backend, x, filter, null, info);
  });
  replaceKernel<FusedForward, tf.FusedConv2DAttrs>(tf.FusedConv2D, ({ inputs, attrs, backend }) => {
    const { x, filter, bias } = inputs;
    const { strides, pad, dilations, dimRoundingMode, activation } = attrs;
    if (!areFloats(x, filter) || attrs.dataFormat !== 'NHWC') return undefined;
    if (bias != null && (!areFloats(bias) || sizeOf(bias.shape) !== filter.shape[3]))
      return undefined;
    if (activation != null && activation !== 'linear' && activation !== 'relu') return undefined;
    const info = infoOf(x.shape, filter.shape, strides, dilations, pad, dimRoundingMode);
    const sums = convolved(backend, x, filter, bias == null ? null : backend.floats(bias), info);
    if (activation !== 'relu') return sums;
    const out = backend.output(sums.shape);
    backend.binding.unary(UNARY.relu, backend.floats(sums), out.values, 0);
    backend.disposeIntermediateTensorInfo(sums);
    return out.info;
  });
  replaceKernel<{ x: tf.TensorInfo; dy: tf.TensorInfo }, tf.Conv2DBackpropFilterAttrs>(
    tf.Conv2DBackpropFilter,
    ({ inputs: { x, dy }, attrs, backend }) => {
      if (!areFloats(x, dy) || attrs.dataFormat !== 'NHWC') return undefined;
      const { strides, pad, dimRoundingMode, filterShape } = attrs;
      const info = infoOf(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
      return filterGradient(backend, x, dy, info);
    },
  );
  replaceKernel<{ dy: tf.TensorInfo; filter: tf.TensorInfo }, tf.Conv2DBackpropInputAttrs>(
    tf.Conv2DBackpropInput,
    ({ inputs: { dy, filter }, attrs, backend }) => {
      if (!areFloats(dy, filter) || attrs.dataFormat !== 'NHWC') return undefined;
      const { strides, pad, dimRoundingMode, inputShape } = attrs;
      const info = infoOf(inputShape, filter.shape, strides, 1, pad, dimRoundingMode);
      const apart = info.filterHeight <= info.strideHeight && info.filterWidth <= info.strideWidth;
      return apart && !isPadded(info) ? inputGradient(backend, dy, filter, info) : undefined;
    },
  );
}

function infoOf(
  xShape: number[],
  filterShape: number[],
  strides: number | [number, number],
  dilations: number | [number, number],
  pad: tf.Conv2DAttrs['pad'],
  rounding: tf.Conv2DAttrs['dimRoundingMode'],
): ConvInfo {
  const x = xShape as [number, number, number, number];
  const filter = filterShape as [number, number, number, number];
  return tf.backend_util.computeConv2DInfo(x, filter, strides, dilations, pad as number, rounding);
}

function convolved(
  backend: NativeBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: Float32Array | null,
  info: ConvInfo,
): tf.TensorInfo {
  const { info: out, values } = backend.output(info.outShape);
  const weights = backend.floats(filter);
  const n = info.outChannels;
  if (values.length === 0) return out;
  eachColumns(backend, x, info, (columns, row, m, k) => {
    const part = values.subarray(row * n, (row + m) * n);
    gemm(backend, columns, weights, part, [m, n, k], false, false, bias);
  });
  return out;
}

function filterGradient(
  backend: NativeBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: ConvInfo,
): tf.TensorInfo {
  const n = info.outChannels;
  const dOut = backend.floats(dy);
  let total = backend.output(info.filterShape);
  if (info.batchSize === 0 || total.values.length === 0) backend.binding.fill(0, total.values);
  else
    eachColumns(backend, x, info, (columns, row, m, k) => {
      const part = dOut.subarray(row * n, (row + m) * n);
      if (row === 0) return gemm(backend, columns, part, total.values, [k, n, m], true, false);
      const own = backend.output(info.filterShape);
      const next = backend.output(info.filterShape);
      gemm(backend, columns, part, own.values, [k, n, m], true, false);
      backend.binding.binary(BINARY.add, [k * n, 1, 1], total.values, own.values, next.values);
      backend.disposeIntermediateTensorInfo(total.info);
      backend.disposeIntermediateTensorInfo(own.info);
      total = next;
    });
  return total.info;
}

function inputGradient(
  backend: NativeBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: ConvInfo,
): tf.TensorInfo {
  const { info: out, values } = backend.output(info.inShape);
  backend.binding.fill(0, values);
  const m = info.batchSize * info.outHeight * info.outWidth;
  const k = info.filterHeight * info.filterWidth * info.inChannels;
  if (m * k === 0) return out;
  const columns = backend.output([m, k]);
  const weights = backend.floats(filter);
  const shape = [m, k, info.outChannels] as const;
  gemm(backend, backend.floats(dy), weights, columns.values, shape, false, true);
  const loops = columnLoops(info, info.inShape, info.batchSize);
  const back = makeWalk(loops.map(([size, image, column]) => [size, column, image] as const))!;
  backend.binding.copy(back, columns.values, 0, values, 0);
  backend.disposeIntermediateTensorInfo(columns.info);
  return out;
}

// body(columns [m, k], first row, m, k) for some images at a time.
function eachColumns(
  backend: NativeBackend,
  x: tf.TensorInfo,
  info: ConvInfo,
  body: (columns: Float32Array, row: number, m: number, k: number) => void,
): void {
  const k = info.filterHeight * info.filterWidth * info.inChannels;
  const area = info.outHeight * info.outWidth;
  const step = info.strideHeight * info.strideWidth;
  if (k === info.inChannels && step === 1 && !isPadded(info)) {
    body(backend.floats(x), 0, info.batchSize * area, k);
    return;
  }
  const image = isPadded(info) ? padded(backend, x, info) : x;
  const size = sizeOf(image.shape.slice(1));
  const each = Math.max(1, Math.min(info.batchSize, Math.floor(COLUMN_FLOATS / (area * k))));
  const columns = backend.output([each * area, k]);
  for (let b = 0; b < info.batchSize; b += each) {
    const count = Math.min(each, info.batchSize - b);
    const walk = makeWalk(columnLoops(info, image.shape, count))!;
    backend.binding.copy(walk, backend.floats(image), b * size, columns.values, 0);
    body(columns.values.subarray(0, count * area * k), b * area, count * area, k);
  }
  backend.disposeIntermediateTensorInfo(columns.info);
  if (image !== x) backend.disposeIntermediateTensorInfo(image);
}

// From an image [b, H, W, C] to columns [b, rows, columns, filterHeight, filterWidth, C].
function columnLoops(info: ConvInfo, shape: readonly number[], batch: number) {
  const [image, line, pixel] = stridesOf(shape) as [number, number, number];
  const sizes = [batch, info.outHeight, info.outWidth, info.filterHeight, info.filterWidth];
  const all = [...sizes, info.inChannels];
  const to = stridesOf(all);
  const from = [
    image,
    info.strideHeight * line,
    info.strideWidth * pixel,
    info.dilationHeight * line,
    info.dilationWidth * pixel,
    1,
  ];
  return all.map((size, i) => [size, from[i]!, to[i]!] as const);
}

// What the filter reaches beyond the image, above and left of it and below and right of it.
function borders(info: ConvInfo): { top: number; left: number; height: number; width: number } {
  const { top, left, bottom, right } = info.padInfo;
  const rows = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight;
  const columns = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth;
  return {
    top,
    left,
    height: Math.max(rows, info.inHeight + top + bottom),
    width: Math.max(columns, info.inWidth + left + right),
  };
}

function isPadded(info: ConvInfo): boolean {
  const { height, width } = borders(info);
  return height !== info.inHeight || width !== info.inWidth;
}

function padded(backend: NativeBackend, x: tf.TensorInfo, info: ConvInfo): tf.TensorInfo {
  const { top, left, height, width } = borders(info);
  const shape = [info.batchSize, height, width, info.inChannels];
  const { info: out, values } = backend.output(shape);
  backend.binding.fill(0, values);
  const from = stridesOf(x.shape);
  const to = stridesOf(shape);
  const walk = makeWalk(x.shape.map((size, i) => [size, from[i]!, to[i]!] as const))!;
  if (sizeOf(x.shape) > 0)
    backend.binding.copy(walk, backend.floats(x), 0, values, top * to[1]! + left * to[2]!);
  return out;
}

function gemm(
  { binding }: NativeBackend,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  [m, n, k]: readonly [number, number, number],
  transposeA: boolean,
  transposeB: boolean,
  bias: Float32Array | null = null,
): void {
  const [none, precision] = [ACTIVATION.none, PRECISION.fp32];
  binding.gemm(a, b, c, 1, m, n, k, true, true, transposeA, transposeB, bias, none, precision);
}
