// Flips and rotations of images.

import * as tf from '@tensorflow/tfjs';
import { areFloats, isFixed, replaceKernel } from './kernel.ts';
import { reversed } from './rearrange.ts';

interface Image {
  image: tf.TensorInfo;
}
type Shape = [number, number, number, number];

/** Registers the horizontal flip of images [B, H, W, C] and their rotation by any angle. */
export function registerFlipRotate(): void {
  replaceKernel<Image, object>(tf.FlipLeftRight, ({ inputs: { image }, backend }) =>
    isFixed(image) ? reversed(backend, image, [2]) : undefined,
  );
  replaceKernel<Image, tf.RotateWithOffsetAttrs>(tf.RotateWithOffset, (call) => {
    const { image } = call.inputs;
    const { radians, fillValue, center } = call.attrs;
    const [batch, height, width, channels] = image.shape as Shape;
    if (!areFloats(image) || height * width > 2 ** 31 - 1) return undefined;
    const index = rotated(height, width, center, radians);
    // The fourth channel is opacity.
    const fill = Float32Array.from({ length: channels }, (_, channel) => {
      if (typeof fillValue === 'number') return fillValue;
      return channel === 3 ? 255 : (fillValue[channel] ?? NaN);
    });
    const { info, values } = call.backend.output(image.shape);
    const sizes = [batch, height * width, channels, index.length] as const;
    call.backend.binding.gatherPixels(...sizes, index, fill, call.backend.floats(image), values);
    return info;
  });
}

// The source pixel of each pixel after the rotation; -1 if it lies outside. In float64 and in the order of the inherited kernel, so that
// halves are rounded the same way.
function rotated(
  height: number,
  width: number,
  center: number | [number, number],
  radians: number,
): Int32Array {
  const [centerX, centerY] = tf.backend_util.getImageCenter(center, height, width);
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  const index = new Int32Array(height * width);
  const columns = Float64Array.from({ length: width }, (_, x) => (x - centerX) * cos);
  const slopes = Float64Array.from({ length: width }, (_, x) => (x - centerX) * sin);
  for (let y = 0, at = 0; y < height; y += 1) {
    const [down, across] = [(y - centerY) * sin, (y - centerY) * cos];
    for (let x = 0; x < width; x += 1, at += 1) {
      const fromX = Math.round(columns[x]! - down + centerX);
      const fromY = Math.round(slopes[x]! + across + centerY);
      const inside = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
      index[at] = inside ? fromY * width + fromX : -1;
    }
  }
  return index;
}
