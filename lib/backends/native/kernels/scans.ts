// Running sums and products, ranges and linspace.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { Numbers } from '../elements.ts';
import { replaceKernel } from './kernel.ts';

interface One {
  x: tf.TensorInfo;
}

/** Registers running sums and products, ranges of whole numbers and evenly spaced numbers. */
export function registerScans(): void {
  for (const kernelName of [tf.Cumsum, tf.Cumprod]) {
    replaceKernel<One, tf.CumsumAttrs>(kernelName, ({ inputs: { x }, attrs, backend }) => {
      if (x.shape.length === 0) return undefined;
      const { axis, exclusive, reverse } = attrs;
      const [at] = tf.util.parseAxisParam(axis, x.shape) as [number];
      const sizes = [
        sizeOf(x.shape.slice(0, at)),
        x.shape[at]!,
        sizeOf(x.shape.slice(at + 1)),
      ] as const;
      const flags = [kernelName === tf.Cumprod, exclusive, reverse] as const;
      if (x.dtype === 'float32') {
        const { info, values } = backend.output(x.shape);
        backend.binding.scan(...flags, ...sizes, backend.floats(x), values);
        return info;
      }
      if (x.dtype !== 'int32' && x.dtype !== 'bool') return undefined;
      const { info, values } = backend.intOutput(x.shape);
      const from = backend.elements(x);
      const numbers = x.dtype === 'int32' ? (from as Int32Array) : Int32Array.from(from);
      backend.binding.scan(...flags, ...sizes, numbers, values);
      return info;
    });
  }
  replaceKernel<object, tf.RangeAttrs>(tf.Range, ({ attrs, backend }) => {
    const { start, stop, step, dtype } = attrs;
    if (dtype !== 'float32' && dtype !== 'int32') return undefined;
    // Sums of whole numbers that float32 holds are exact, in whatever order; and so are those of their halves, quarters, …
    const whole = (grain: number): boolean =>
      [start, stop, step].every((value) => Number.isInteger(value * grain));
    const grain = (dtype === 'int32' ? [1] : [1, 2, 4, 8, 16, 32, 64]).find(whole);
    const length = (stop - start) / step;
    const last = Math.max(Math.abs(start), Math.abs(stop)) + Math.abs(step);
    if (grain === undefined || !(length > 0) || last * grain > 2 ** 24) return undefined;
    const { info, values } = backend.outputOf(dtype, [Math.ceil(length)]);
    backend.binding.ramp(start, step, values as Numbers);
    return info;
  });
  // The inherited kernel adds the step to the number before, and every rounding with it.
  replaceKernel<object, tf.LinSpaceAttrs>(tf.LinSpace, ({ attrs, backend }) => {
    const { start, stop, num } = attrs;
    const { info, values } = backend.output([num]);
    backend.binding.ramp(start, num > 1 ? (stop - start) / (num - 1) : 0, values);
    return info;
  });
}
