// Resizing and cropping of images.

import * as tf from '@tensorflow/tfjs';
import { sampleDescriptor } from '../generated/descriptors.ts';
import type { Steps } from '../spatialBinding.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface Images {
  images: tf.TensorInfo;
}
interface ImagesGrad extends Images {
  dy: tf.TensorInfo;
}
interface Crop {
  image: tf.TensorInfo;
  boxes: tf.TensorInfo;
  boxInd: tf.TensorInfo;
}
type Shape = [number, number, number, number];

/** Registers resizing of images [B, H, W, C], its gradients and cropping. */
export function registerResize(): void {
  replaceKernel<Images, tf.ResizeBilinearAttrs>(tf.ResizeBilinear, (call) => {
    const { images } = call.inputs;
    const { alignCorners, halfPixelCenters, size } = call.attrs;
    const steps = resizeSteps(images, size, alignCorners, halfPixelCenters, false);
    return resized(call.backend, images, steps, false, 'float32');
  });
  replaceKernel<Images, tf.ResizeNearestNeighborAttrs>(tf.ResizeNearestNeighbor, (call) => {
    const { images } = call.inputs;
    const { alignCorners, halfPixelCenters, size } = call.attrs;
    if (images.dtype !== 'float32' && images.dtype !== 'int32') return undefined;
    const steps = resizeSteps(images, size, alignCorners, halfPixelCenters, true);
    return resized(call.backend, images, steps, true, images.dtype);
  });
  for (const [kernelName, nearest] of [
    [tf.ResizeBilinearGrad, false],
    [tf.ResizeNearestNeighborGrad, true],
  ] as const)
    replaceKernel<ImagesGrad, tf.ResizeBilinearGradAttrs>(kernelName, (call) => {
      const { images, dy } = call.inputs;
      const [batch, height, width, channels] = images.shape as Shape;
      if (!areFloats(images, dy) || height * width === 0) return undefined;
      const size = dy.shape.slice(1, 3) as [number, number];
      const steps = resizeSteps(images, size, call.attrs.alignCorners, false, nearest);
      const { info, values } = call.backend.output(images.shape);
      const dOut = call.backend.floats(dy);
      const [boxHeight, boxWidth] = size;
      const descriptor = sampleDescriptor({
        images: batch,
        height,
        width,
        channels,
        boxes: batch,
        nearest,
        fill: 0,
        shared: true,
        boxHeight,
        boxWidth,
      });
      call.backend.binding.sampleGrad(descriptor, ...steps, dOut, values);
      return info;
    });
  replaceKernel<Crop, tf.CropAndResizeAttrs>(tf.CropAndResize, cropped);
}

// The places before and behind each of `count`, and how far between them it lies; without a place, -1.
interface AxisSteps {
  low: Int32Array;
  high: Int32Array;
  part: Float32Array;
}
function axisSteps(count: number): AxisSteps {
  return {
    low: new Int32Array(count),
    high: new Int32Array(count),
    part: new Float32Array(count),
  };
}

function resizeAxis(
  from: number,
  to: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
  nearest: boolean,
): AxisSteps {
  const steps = axisSteps(to);
  const aligned = alignCorners && to > 1;
  const ratio = (aligned ? from - 1 : from) / (aligned ? to - 1 : to);
  const last = from - 1;
  for (let i = 0; i < to; i += 1) {
    if (nearest) {
      const place = ratio * (halfPixelCenters ? i + 0.5 : i);
      steps.low[i] = Math.min(last, alignCorners ? Math.round(place) : Math.floor(place));
      steps.high[i] = steps.low[i]!;
      continue;
    }
    const place = halfPixelCenters ? ratio * (i + 0.5) - 0.5 : ratio * i;
    steps.low[i] = Math.min(last, Math.max(0, Math.floor(place)));
    steps.high[i] = Math.max(0, Math.min(last, Math.ceil(place)));
    steps.part[i] = place - steps.low[i]!;
  }
  return steps;
}

function resizeSteps(
  images: tf.TensorInfo,
  [toHeight, toWidth]: readonly [number, number],
  alignCorners: boolean,
  halfPixelCenters: boolean,
  nearest: boolean,
): Steps {
  const [, height, width] = images.shape as Shape;
  const rows = resizeAxis(height, toHeight, alignCorners, halfPixelCenters, nearest);
  const columns = resizeAxis(width, toWidth, alignCorners, halfPixelCenters, nearest);
  return stepsOf(rows, columns);
}

function stepsOf(rows: AxisSteps, columns: AxisSteps): Steps {
  return [rows.low, rows.high, rows.part, columns.low, columns.high, columns.part];
}

// The values as float32, or those of an int32 tensor as they are, to be moved only.
function floatsOf(backend: NativeBackend, x: tf.TensorInfo, asTheyAre: boolean): Float32Array {
  if (x.dtype === 'float32') return backend.floats(x);
  const values = backend.elements(x);
  return asTheyAre ? bits(values as Int32Array) : Float32Array.from(values);
}
function bits(values: Int32Array): Float32Array {
  return new Float32Array(values.buffer, values.byteOffset, values.length);
}

function resized(
  backend: NativeBackend,
  images: tf.TensorInfo,
  steps: Steps,
  nearest: boolean,
  dtype: 'float32' | 'int32',
): tf.TensorInfo | undefined {
  const [batch, height, width, channels] = images.shape as Shape;
  const [toHeight, toWidth] = [steps[0].length, steps[3].length];
  if (height * width === 0 || images.dtype === 'complex64' || images.dtype === 'string')
    return undefined;
  const { info, values } = backend.outputOf(dtype, [batch, toHeight, toWidth, channels]);
  const out = dtype === 'int32' ? bits(values as Int32Array) : (values as Float32Array);
  const each = Int32Array.from({ length: batch }, (_, i) => i);
  const descriptor = sampleDescriptor({
    images: batch,
    height,
    width,
    channels,
    boxes: batch,
    nearest,
    fill: 0,
    shared: true,
    boxHeight: toHeight,
    boxWidth: toWidth,
  });
  const x = floatsOf(backend, images, dtype === 'int32');
  backend.binding.sample(descriptor, each, ...steps, x, out);
  return info;
}

function cropped({
  inputs: { image, boxes, boxInd },
  attrs: { cropSize, method, extrapolationValue },
  backend,
}: {
  inputs: Crop;
  attrs: tf.CropAndResizeAttrs;
  backend: NativeBackend;
}): tf.TensorInfo | undefined {
  const [batch, height, width, channels] = image.shape as Shape;
  const [toHeight, toWidth] = cropSize;
  const count = boxes.shape[0]!;
  const [corners, of] = [backend.floats(boxes), backend.elements(boxInd)];
  const known = boxInd.dtype === 'int32' && of.every((index) => index >= 0 && index < batch);
  // A box of NaN, or of no image, gives what the inherited kernel reads beyond its arrays.
  if (!known || !areFloats(boxes) || !corners.every((corner) => Number.isFinite(corner)))
    return undefined;
  if (height * width === 0 || image.dtype === 'complex64' || image.dtype === 'string')
    return undefined;
  const nearest = method === 'nearest';
  const rows = axisSteps(count * toHeight);
  const columns = axisSteps(count * toWidth);
  for (let box = 0; box < count; box += 1) {
    const [y1, x1, y2, x2] = corners.subarray(4 * box, 4 * box + 4) as unknown as Shape;
    cropAxis(rows, box * toHeight, toHeight, height, y1, y2, nearest);
    cropAxis(columns, box * toWidth, toWidth, width, x1, x2, nearest);
  }
  const { info, values } = backend.output([count, toHeight, toWidth, channels]);
  const descriptor = sampleDescriptor({
    images: batch,
    height,
    width,
    channels,
    boxes: count,
    nearest,
    fill: extrapolationValue,
    shared: false,
    boxHeight: toHeight,
    boxWidth: toWidth,
  });
  const steps = stepsOf(rows, columns);
  const x = floatsOf(backend, image, false);
  backend.binding.sample(descriptor, of as Int32Array, ...steps, x, values);
  return info;
}

function cropAxis(
  steps: AxisSteps,
  at: number,
  count: number,
  size: number,
  begin: number,
  end: number,
  nearest: boolean,
): void {
  const last = size - 1;
  const scale = count > 1 ? ((end - begin) * last) / (count - 1) : 0;
  for (let i = 0; i < count; i += 1) {
    const place = count > 1 ? begin * last + i * scale : 0.5 * (begin + end) * last;
    if (!(place >= 0 && place <= last)) {
      steps.low[at + i] = -1;
      continue;
    }
    const low = nearest ? Math.round(place) : Math.floor(place);
    steps.low[at + i] = low;
    steps.high[at + i] = nearest ? low : Math.ceil(place);
    steps.part[at + i] = place - low;
  }
}
