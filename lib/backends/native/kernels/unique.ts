import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import { isFixed, replaceKernel } from './kernel.ts';

/** Registers the search for different elements of a list, in the order in which they come first. */
export function registerUnique(): void {
  replaceKernel<{ x: tf.TensorInfo }, tf.UniqueAttrs>(
    tf.Unique,
    ({ inputs: { x }, attrs, backend }) => {
      const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
      // Slices of several elements are compared by the inherited kernel.
      if (!isFixed(x) || sizeOf(x.shape) !== x.shape[axis]) return undefined;
      const from = backend.elements(x);
      const places = backend.intOutput([from.length]);
      // As in tfjs, -0 is 0 and NaN is NaN.
      const known = new Map<number, number>();
      const firsts: number[] = [];
      for (let i = 0; i < from.length; i += 1) {
        const value = from[i]!;
        let place = known.get(value);
        if (place === undefined) {
          place = firsts.length;
          known.set(value, place);
          firsts.push(value);
        }
        places.values[i] = place;
      }
      const shape = x.shape.map((size, i) => (i === axis ? firsts.length : size));
      const { info, values } = backend.outputOf(x.dtype, shape);
      values.set(firsts);
      return [info, places.info];
    },
  );
}
