// Images to patches and back.

import type * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import type { PatchifyAttrs, PatchifyGradAttrs } from '../../../core/kernels.ts';
import type { Walk } from '../binding.ts';
import { makeWalk } from '../walk.ts';
import { replaceKernel } from './kernel.ts';

/** Registers the cutting of images into patches and its inverse, each as one strided copy. */
export function registerPatchify(): void {
  replaceKernel<{ x: tf.TensorInfo }, PatchifyAttrs>(
    kernels.Patchify,
    ({ inputs: { x }, attrs, backend }) => {
      const [batch, height, width, channels] = x.shape as [number, number, number, number];
      const { patchHeight, patchWidth } = attrs;
      const patches = (height / patchHeight) * (width / patchWidth);
      const { info, values } = backend.output([
        batch,
        patches,
        channels * patchHeight * patchWidth,
      ]);
      const walk = patchWalk(batch, height, width, channels, attrs, false);
      backend.binding.copy(walk, backend.floats(x), 0, values, 0);
      return info;
    },
  );
  replaceKernel<{ dOut: tf.TensorInfo }, PatchifyGradAttrs>(
    kernels.PatchifyGrad,
    ({ inputs: { dOut }, attrs, backend }) => {
      const { imageHeight, imageWidth, patchHeight, patchWidth } = attrs;
      const [batch, , size] = dOut.shape as [number, number, number];
      const channels = size / (patchHeight * patchWidth);
      const { info, values } = backend.output([batch, imageHeight, imageWidth, channels]);
      const walk = patchWalk(batch, imageHeight, imageWidth, channels, attrs, true);
      backend.binding.copy(walk, backend.floats(dOut), 0, values, 0);
      return info;
    },
  );
}

// Image [B, rows, ph, columns, pw, I] against patches [B, rows, columns, I, ph, pw], from the one to the other.
function patchWalk(
  batch: number,
  height: number,
  width: number,
  channels: number,
  { patchHeight, patchWidth }: PatchifyAttrs,
  toImage: boolean,
): Walk {
  const rows = height / patchHeight;
  const columns = width / patchWidth;
  const area = patchHeight * patchWidth;
  const line = width * channels;
  const patch = area * channels;
  const loops = [
    [batch, height * line, rows * columns * patch],
    [rows, patchHeight * line, columns * patch],
    [columns, patchWidth * channels, patch],
    [channels, 1, area],
    [patchHeight, line, patchWidth],
    [patchWidth, channels, 1],
  ] as const;
  const walk = makeWalk(
    loops.map(([size, image, flat]) => (toImage ? [size, flat, image] : [size, image, flat])),
  );
  return walk!;
}
