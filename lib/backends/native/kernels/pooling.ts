// Max and average pools of images and volumes, and their gradients.

import * as tf from '@tensorflow/tfjs';
import { POOL, POSITION } from '../generated/enums.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { isServed, windowOf, type SpatialInfo } from '../window.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface Pooled {
  x: tf.TensorInfo;
}
interface PooledGrad {
  dy: tf.TensorInfo;
  input: tf.TensorInfo;
}

/** Registers maxima and means over windows of images and volumes, and their gradients. */
export function registerPooling(): void {
  for (const [kernelName, op] of [
    [tf.MaxPool, POOL.max],
    [tf.AvgPool, POOL.mean],
  ] as const)
    replaceKernel<Pooled, tf.MaxPoolAttrs>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      const info = imageInfo(x, attrs);
      const { filterHeight, filterWidth, inShape, outShape } = info;
      // The inherited kernel returns x itself.
      if (filterHeight * filterWidth === 1 && tf.util.arraysEqual(inShape, outShape))
        return undefined;
      return pooled(backend, op, x, info);
    });
  for (const [kernelName, op] of [
    [tf.MaxPool3D, POOL.max],
    [tf.AvgPool3D, POOL.meanOrZero],
  ] as const)
    replaceKernel<Pooled, tf.MaxPool3DAttrs>(kernelName, ({ inputs: { x }, attrs, backend }) =>
      pooled(backend, op, x, volumeInfo(x, attrs)),
    );
  replaceKernel<PooledGrad, tf.MaxPoolGradAttrs>(
    tf.MaxPoolGrad,
    ({ inputs: { dy, input }, attrs, backend }) =>
      maxGradient(backend, dy, input, gradientInfo(dy, input, attrs), false),
  );
  replaceKernel<PooledGrad, tf.MaxPool3DGradAttrs>(
    tf.MaxPool3DGrad,
    ({ inputs: { dy, input }, attrs, backend }) =>
      maxGradient(backend, dy, input, volumeInfo(input, attrs), true),
  );
  replaceKernel<PooledGrad, ImageAttrs>(
    tf.AvgPoolGrad,
    ({ inputs: { dy, input }, attrs, backend }) =>
      meanGradient(backend, dy, input, gradientInfo(dy, input, attrs)),
  );
  replaceKernel<PooledGrad, tf.AvgPool3DGradAttrs>(
    tf.AvgPool3DGrad,
    ({ inputs: { dy, input }, attrs, backend }) =>
      meanGradient(backend, dy, input, volumeInfo(input, attrs)),
  );
  replaceKernel<Pooled, tf.MaxPoolWithArgmaxAttrs>(
    tf.MaxPoolWithArgmax,
    ({ inputs: { x }, attrs, backend }) => {
      const info = imageInfo(x, attrs);
      const maxima = pooled(backend, POOL.max, x, info);
      if (maxima === undefined) return undefined;
      const { info: positions, values } = backend.intOutput(info.outShape);
      const kind = attrs.includeBatchInIndex ? POSITION.elementOfBatch : POSITION.element;
      backend.binding.poolPositions(windowOf(info), kind, false, backend.floats(x), values);
      return [maxima, positions];
    },
  );
}

type ImageAttrs = Pick<tf.MaxPoolAttrs, 'filterSize' | 'strides' | 'pad'> & {
  dimRoundingMode?: tf.MaxPoolAttrs['dimRoundingMode'];
};
type VolumeAttrs = Pick<tf.MaxPool3DAttrs, 'filterSize' | 'strides' | 'pad' | 'dimRoundingMode'> & {
  dataFormat?: 'NDHWC' | 'NCDHW';
};

function imageInfo(x: tf.TensorInfo, attrs: ImageAttrs): tf.backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const shape = x.shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(
    shape,
    filterSize,
    strides,
    1,
    pad as number,
    dimRoundingMode,
  );
}

function volumeInfo(x: tf.TensorInfo, attrs: VolumeAttrs): tf.backend_util.Conv3DInfo {
  const { filterSize, strides, pad, dimRoundingMode, dataFormat } = attrs;
  const shape = x.shape as [number, number, number, number, number];
  return tf.backend_util.computePool3DInfo(
    shape,
    filterSize,
    strides,
    1,
    pad as number,
    dimRoundingMode,
    dataFormat,
  );
}

// The sizes of the pool whose results have the shape of dy: tfjs does not hand on to a gradient how their number was rounded.
function gradientInfo(
  dy: tf.TensorInfo,
  x: tf.TensorInfo,
  attrs: ImageAttrs,
): tf.backend_util.Conv2DInfo {
  const own = imageInfo(x, attrs);
  const fits = ({ outShape }: SpatialInfo): boolean => tf.util.arraysEqual(outShape, dy.shape);
  if (fits(own)) return own;
  const modes = ['floor', 'ceil', 'round'] as const;
  return (
    modes.map((dimRoundingMode) => imageInfo(x, { ...attrs, dimRoundingMode })).find(fits) ?? own
  );
}

function pooled(
  backend: NativeBackend,
  op: number,
  x: tf.TensorInfo,
  info: SpatialInfo,
): tf.TensorInfo | undefined {
  if (!areFloats(x) || !isServed(info)) return undefined;
  const { info: out, values } = backend.output(info.outShape);
  backend.binding.pool(windowOf(info), op, backend.floats(x), values);
  return out;
}

function maxGradient(
  backend: NativeBackend,
  dy: tf.TensorInfo,
  x: tf.TensorInfo,
  info: SpatialInfo,
  last: boolean,
): tf.TensorInfo | undefined {
  if (!areFloats(dy, x) || !isServed(info, dy)) return undefined;
  const window = windowOf(info);
  const positions = backend.intOutput(info.outShape);
  backend.binding.poolPositions(window, POSITION.pixel, last, backend.floats(x), positions.values);
  const { info: out, values } = backend.output(info.inShape);
  backend.binding.maxPoolGrad(window, positions.values, backend.floats(dy), values);
  backend.disposeIntermediateTensorInfo(positions.info);
  return out;
}

function meanGradient(
  backend: NativeBackend,
  dy: tf.TensorInfo,
  x: tf.TensorInfo,
  info: SpatialInfo,
): tf.TensorInfo | undefined {
  if (!areFloats(dy, x) || !isServed(info, dy)) return undefined;
  const { info: out, values } = backend.output(info.inShape);
  const depth = 'filterDepth' in info ? info.filterDepth : 1;
  const factor = 1 / (depth * info.filterHeight * info.filterWidth);
  backend.binding.meanPoolGrad(windowOf(info), factor, backend.floats(dy), values);
  return out;
}
