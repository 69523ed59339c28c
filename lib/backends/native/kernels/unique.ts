// The kernel Unique.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { isFixed, replaceKernel } from './kernel.ts';

/** Registers Unique: the distinct slices along an axis, in the order of their first occurrence. */
export function registerUnique(): void {
  replaceKernel<{ x: tf.TensorInfo }, tf.UniqueAttrs>(
    tf.Unique,
    ({ inputs: { x }, attrs, backend }) => {
      const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
      if (!isFixed(x) || sizeOf(x.shape) === 0) return undefined;
      const n = x.shape[axis]!;
      const outer = sizeOf(x.shape.slice(0, axis));
      const inner = sizeOf(x.shape.slice(axis + 1));
      const from = backend.elements(x);
      const places = backend.intOutput([n]);
      const firsts = new Int32Array(n);
      const count = backend.binding.uniqueSlices(outer, n, inner, from, firsts, places.values);
      const shape = x.shape.map((size, i) => (i === axis ? count : size));
      const { info, values } = backend.outputOf(x.dtype, shape);
      backend.binding.gather(1, outer, n, inner, count, from, firsts.subarray(0, count), values);
      return [info, places.info];
    },
  );
}
