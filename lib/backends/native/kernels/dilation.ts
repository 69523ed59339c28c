// Grayscale dilation (Dilation2D) and its gradients.

import * as tf from '@tensorflow/tfjs';
import { isServed, windowOf } from '../window.ts';
import { areFloats, isNumeric, replaceKernel } from './kernel.ts';

interface Forward {
  x: tf.TensorInfo;
  filter: tf.TensorInfo;
}
interface Backward extends Forward {
  dy: tf.TensorInfo;
}
type DilationInfo = tf.backend_util.Conv2DInfo;

/** Registers grayscale dilation of images [B, H, W, C] by a filter [h, w, C], and its gradients. */
export function registerDilation(): void {
  replaceKernel<Forward, tf.Dilation2DAttrs>(tf.Dilation2D, ({ inputs, attrs, backend }) => {
    const { x, filter } = inputs;
    const info = infoOf(x, filter, attrs);
    const { dtype } = x;
    if (!isNumeric(x) || filter.dtype !== dtype || !isNear(info)) return undefined;
    const { info: out, values } = backend.outputOf(dtype, info.outShape);
    const [image, weights] = [backend.elements(x), backend.elements(filter)];
    // All three are of the dtype.
    backend.binding.dilate(
      ...([windowOf(info), image as Float32Array, weights as Float32Array] as const),
      values as Float32Array,
    );
    return out;
  });
  for (const kernelName of [tf.Dilation2DBackpropInput, tf.Dilation2DBackpropFilter]) {
    const ofFilter = kernelName === tf.Dilation2DBackpropFilter;
    replaceKernel<Backward, tf.Dilation2DAttrs>(kernelName, ({ inputs, attrs, backend }) => {
      const { x, filter, dy } = inputs;
      const info = infoOf(x, filter, attrs);
      if (!areFloats(x, filter, dy) || !isNear(info, dy)) return undefined;
      const { info: out, values } = backend.output(ofFilter ? filter.shape : x.shape);
      const read = [backend.floats(x), backend.floats(filter), backend.floats(dy)] as const;
      const window = windowOf(info);
      if (ofFilter) backend.binding.dilateFilterGrad(window, ...read, values);
      else backend.binding.dilateInputGrad(window, ...read, values);
      return out;
    });
  }
}

function infoOf(
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  { strides, pad, dilations }: tf.Dilation2DAttrs,
): DilationInfo {
  return tf.backend_util.computeDilation2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number],
    ...([strides, pad as 'same', 'NHWC', dilations] as const),
  );
}

// Whether it is served, and no window lies beside the image: then the inherited gradient steps outside its arrays.
function isNear(info: DilationInfo, dy?: tf.TensorInfo): boolean {
  const { top, bottom, left, right } = info.padInfo;
  return (
    isServed(info, dy) &&
    info.inChannels === info.filterShape[2] &&
    Math.max(top, bottom) < info.effectiveFilterHeight &&
    Math.max(left, right) < info.effectiveFilterWidth
  );
}
