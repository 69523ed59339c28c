// Projective transforms of images.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { transformDescriptor } from '../generated/descriptors.ts';
import { BORDER } from '../generated/enums.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface Images {
  image: tf.TensorInfo;
  transforms: tf.TensorInfo;
}
type Shape = [number, number, number, number];

/** Registers the projection of images [B, H, W, C]; the inherited kernel forgets all but the first. */
export function registerTransform(): void {
  replaceKernel<Images, tf.TransformAttrs>(tf.Transform, ({ inputs, attrs, backend }) => {
    const { image, transforms } = inputs;
    const { interpolation, fillMode, fillValue, outputShape } = attrs;
    const [batch, height, width, channels] = image.shape as Shape;
    const [toHeight, toWidth] = outputShape ?? [height, width];
    const shared = transforms.shape[0] === 1;
    const bilinear = interpolation === 'bilinear';
    const known = bilinear || interpolation === 'nearest';
    const whole = [toHeight, toWidth].every((size) => Number.isSafeInteger(size) && size >= 0);
    if (!areFloats(image, transforms) || !known || !whole || typeof fillValue !== 'number')
      return undefined;
    const maps = backend.floats(transforms);
    if (sizeOf(image.shape) === 0 || maps.length !== (shared ? 8 : 8 * batch)) return undefined;
    const border = BORDER[fillMode] ?? BORDER.constant;
    const { info, values } = backend.output([batch, toHeight, toWidth, channels]);
    const descriptor = transformDescriptor({
      batch,
      height,
      width,
      channels,
      outHeight: toHeight,
      outWidth: toWidth,
      bilinear,
      border,
      fill: fillValue,
      shared,
    });
    backend.binding.transform(descriptor, maps, backend.floats(image), values);
    return info;
  });
}
