// Images cut into patches, and patches put back into images.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertRank, assertShape } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';
import * as kernels from '../core/kernels.ts';
import type {
  PatchifyAttrs,
  PatchifyGradAttrs,
  PatchifyGradInputs,
  PatchifyInputs,
} from '../core/kernels.ts';
import { defineKernel, type KernelRunner } from './kernel.ts';

/**
 * Cuts images into flat patches, row by row.
 *
 * out[b, r·(W/pw) + c, (i·ph + y)·pw + x] = images[b, r·ph + y, c·pw + x, i]
 *
 * @param images  [B, H, W, I], I the channels
 * @param options.patchHeight, options.patchWidth  ph and pw in pixels; they divide H and W
 * @returns [B, P, I·ph·pw], P = (H/ph)·(W/pw); the order (channel, row, column) is that of torch's convolution weight
 *          [O, I, ph, pw], so the patch embedding is one matrix product with that weight flattened
 * @throws ShapeError if the patch size does not divide the image size
 */
export function patchify(images: tf.Tensor4D, options: PatchifyAttrs): tf.Tensor3D {
  assertKind('options of patchify', options, 'instance');
  const { patchHeight, patchWidth } = options;
  assertRank('images', images, 4);
  checkGrid(images.shape[1], images.shape[2], patchHeight, patchWidth);
  return patchifyKernel({ x: images }, { patchHeight, patchWidth })[0] as tf.Tensor3D;
}

/**
 * The inverse of `patchify`: patches back to images, [B, P, I·ph·pw] → [B, H, W, I].
 *
 * @param options.imageHeight, options.imageWidth  H and W in pixels
 * @throws ShapeError if the number or the size of the patches does not fit
 */
export function unpatchify(patches: tf.Tensor3D, options: PatchifyGradAttrs): tf.Tensor4D {
  assertKind('options of unpatchify', options, 'instance');
  assertRank('patches', patches, 3);
  const { patchHeight, patchWidth, imageHeight, imageWidth } = options;
  checkGrid(imageHeight, imageWidth, patchHeight, patchWidth);
  const count = (imageHeight / patchHeight) * (imageWidth / patchWidth);
  assertShape('patches', patches, [-1, count, -1]);
  if (patches.shape[2] % (patchHeight * patchWidth) !== 0) {
    const what = `a last axis divisible by ${patchHeight}·${patchWidth}`;
    throw new ShapeError(expected(what, 'patches', patches.shape));
  }
  const attrs = { patchHeight, patchWidth, imageHeight, imageWidth };
  return patchifyGradKernel({ dOut: patches }, attrs)[0] as tf.Tensor4D;
}

// `Patchify` in plain tfjs ops. Two transpositions of low rank do it, which every backend has.
function referencePatchify(
  { x }: PatchifyInputs,
  { patchHeight, patchWidth }: PatchifyAttrs,
): tf.Tensor[] {
  const [batch, height, width, channels] = x.shape;
  const [rows, columns] = [height / patchHeight, width / patchWidth];
  const area = patchHeight * patchWidth;
  // The transposition of the WebAssembly backend traps on an empty tensor (tfjs 4.22: divide by zero).
  if (x.size === 0) return [tf.zeros([batch, rows * columns, channels * area])];
  const strips = tf.reshape(x, [batch * rows, patchHeight, columns, patchWidth * channels]);
  const pixels = tf.reshape(tf.transpose(strips, [0, 2, 1, 3]), [
    batch * rows * columns,
    area,
    channels,
  ]);
  const planes = tf.transpose(pixels, [0, 2, 1]); // [B·P, I, ph·pw]
  return [tf.reshape(planes, [batch, rows * columns, channels * area])];
}

// `PatchifyGrad` in plain tfjs ops.
function referencePatchifyGrad(
  { dOut }: PatchifyGradInputs,
  { patchHeight, patchWidth, imageHeight, imageWidth }: PatchifyGradAttrs,
): tf.Tensor[] {
  const [batch, patches, size] = dOut.shape;
  const [rows, columns] = [imageHeight / patchHeight, imageWidth / patchWidth];
  const area = patchHeight * patchWidth;
  const channels = size / area;
  if (dOut.size === 0) return [tf.zeros([batch, imageHeight, imageWidth, channels])];
  const pixels = tf.transpose(tf.reshape(dOut, [batch * patches, channels, area]), [0, 2, 1]);
  const strips = tf.reshape(pixels, [batch * rows, columns, patchHeight, patchWidth * channels]);
  const images = tf.transpose(strips, [0, 2, 1, 3]);
  return [tf.reshape(images, [batch, imageHeight, imageWidth, channels])];
}

const patchifyKernel: KernelRunner<'VitPatchify'> = defineKernel(kernels.Patchify, {
  reference: referencePatchify,
  gradient: {
    saveInputs: ['x'],
    saveOutputs: [false],
    of: ([dOut], [x], attrs) => {
      const [, imageHeight, imageWidth] = x!.shape as [number, number, number, number];
      const inputs = { dOut: dOut as tf.Tensor3D };
      return { x: () => patchifyGradKernel(inputs, { ...attrs, imageHeight, imageWidth })[0]! };
    },
  },
});

const patchifyGradKernel: KernelRunner<'VitPatchifyGrad'> = defineKernel(kernels.PatchifyGrad, {
  reference: referencePatchifyGrad,
  gradient: {
    saveInputs: [],
    saveOutputs: [false],
    of: ([dX], _saved, attrs) => ({
      dOut: () => patchifyKernel({ x: dX as tf.Tensor4D }, attrs)[0]!,
    }),
  },
});

function checkGrid(height: number, width: number, patchHeight: number, patchWidth: number): void {
  assertInteger('patchHeight', patchHeight, { min: 1 });
  assertInteger('patchWidth', patchWidth, { min: 1 });
  if (height % patchHeight !== 0 || width % patchWidth !== 0) {
    const what = `height and width divisible by the patch size ${patchHeight}×${patchWidth}`;
    throw new ShapeError(
      expected(what, 'image size', [height, width], 'Resize or pad the images.'),
    );
  }
}
