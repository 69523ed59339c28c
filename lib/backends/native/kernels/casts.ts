// Cast, and Select, which chooses between the elements of two tensors.

import * as tf from '@tensorflow/tfjs';
import { isFixed, replaceKernel } from './kernel.ts';

interface Three {
  condition: tf.TensorInfo;
  t: tf.TensorInfo;
  e: tf.TensorInfo;
}
interface One {
  x: tf.TensorInfo;
}

/** Registers the conversions between float32, int32 and bool, and the choice between elements of one of them. */
export function registerCasts(): void {
  // Where nothing is lost the inherited kernel would leave the elements in place under another name.
  replaceKernel<One, tf.CastAttrs>(tf.Cast, ({ inputs: { x }, attrs: { dtype }, backend }) => {
    if (!isFixed(x) || !isFixed({ dtype }) || x.dtype === dtype) return undefined;
    const { info, values } = backend.outputOf(dtype, x.shape);
    backend.binding.cast(backend.elements(x), values);
    return info;
  });
  // A condition of fewer elements, and branches of two dtypes, are left to the inherited kernel.
  replaceKernel<Three, object>(tf.Select, ({ inputs: { condition, t, e }, backend }) => {
    const same =
      tf.util.arraysEqual(condition.shape, t.shape) && tf.util.arraysEqual(t.shape, e.shape);
    if (!isFixed(t) || t.dtype !== e.dtype || condition.dtype !== 'bool' || !same) return undefined;
    const { info, values } = backend.outputOf(t.dtype, t.shape);
    const mask = backend.elements(condition) as Uint8Array;
    backend.binding.select(mask, backend.elements(t), backend.elements(e), values);
    return info;
  });
}
