// Local response normalization (LRN) and its gradient.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { LocalResponseArguments } from '../axisBinding.ts';
import { areFloats, replaceKernel } from './kernel.ts';

/** Registers the local response normalization and its gradient. */
export function registerLocalResponse(): void {
  replaceKernel<Record<'x', tf.TensorInfo>, tf.LRNAttrs>(
    tf.LRN,
    ({ inputs: { x }, attrs, backend }) => {
      if (!areFloats(x) || !isRadius(attrs.depthRadius)) return undefined;
      const { info, values } = backend.output(x.shape);
      backend.binding.localResponse(...argumentsOf(x, attrs), backend.floats(x), values);
      return info;
    },
  );
  replaceKernel<Record<'x' | 'y' | 'dy', tf.TensorInfo>, tf.LRNGradAttrs>(
    tf.LRNGrad,
    ({ inputs, attrs, backend }) => {
      const { x, y, dy } = inputs;
      if (!areFloats(x, y, dy) || !isRadius(attrs.depthRadius)) return undefined;
      const { info, values } = backend.output(x.shape);
      const arrays = [backend.floats(x), backend.floats(y), backend.floats(dy)] as const;
      backend.binding.localResponseGrad(...argumentsOf(x, attrs), ...arrays, values);
      return info;
    },
  );
}

function argumentsOf({ shape }: tf.TensorInfo, attrs: tf.LRNAttrs): LocalResponseArguments {
  const { depthRadius, bias, alpha, beta } = attrs;
  const channels = shape.at(-1)!;
  const radius = Math.max(0, Math.min(depthRadius, channels - 1));
  return [sizeOf(shape.slice(0, -1)), channels, radius, bias, alpha, beta];
}

function isRadius(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}
