import type * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import type { AdamWAttrs, EmaAttrs } from '../../../core/kernels.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { replaceKernel } from './kernel.ts';

/** Registers the kernels over all parameters at once: AdamW, the moving average, the global norm. Nothing is changed in place. */
export function registerOptimizer(): void {
  replaceKernel<tf.TensorInfo[], AdamWAttrs>(kernels.AdamW, ({ inputs, attrs, backend }) => {
    const { learningRates, weightDecays, beta1, beta2, epsilon, step } = attrs;
    const count = learningRates.length;
    const [p, g, m, v] = [0, 1, 2, 3].map((list) => part(inputs, list, count)) as Lists;
    const outputs = [0, 1, 2].map(() => p.map((tensor) => backend.output(tensor.shape)));
    const [newP, newM, newV] = outputs.map((list) => list.map((out) => out.values)) as Arrays;
    const correction1 = 1 - beta1 ** step;
    backend.binding.adamw(
      arraysOf(backend, p),
      arraysOf(backend, g),
      arraysOf(backend, m),
      arraysOf(backend, v),
      newP,
      newM,
      newV,
      learningRates.map((rate, i) => 1 - rate * weightDecays[i]!),
      learningRates.map((rate) => rate / correction1),
      beta1,
      beta2,
      epsilon,
      1 / Math.sqrt(1 - beta2 ** step),
    );
    return outputs.flatMap((list) => list.map((out) => out.info));
  });
  replaceKernel<tf.TensorInfo[], EmaAttrs>(kernels.Ema, ({ inputs, attrs, backend }) => {
    const count = Object.keys(inputs).length / 2;
    const averages = part(inputs, 0, count);
    const outputs = averages.map((tensor) => backend.output(tensor.shape));
    backend.binding.ema(
      arraysOf(backend, averages),
      arraysOf(backend, part(inputs, 1, count)),
      outputs.map((out) => out.values),
      attrs.decay,
    );
    return outputs.map((out) => out.info);
  });
  replaceKernel<tf.TensorInfo[], object>(kernels.GlobalNorm, ({ inputs, backend }) => {
    const tensors = part(inputs, 0, Object.keys(inputs).length);
    const { info, values } = backend.output([]);
    values[0] = Math.sqrt(backend.binding.sumOfSquares(arraysOf(backend, tensors)));
    return info;
  });
}

type Lists = [tf.TensorInfo[], tf.TensorInfo[], tf.TensorInfo[], tf.TensorInfo[]];
type Arrays = [Float32Array[], Float32Array[], Float32Array[]];

// The inputs of a kernel of many tensors are an array, or an object with its indices as keys.
function part(inputs: tf.TensorInfo[], list: number, count: number): tf.TensorInfo[] {
  return Array.from({ length: count }, (_, i) => inputs[list * count + i]!);
}

function arraysOf(backend: NativeBackend, tensors: tf.TensorInfo[]): Float32Array[] {
  return tensors.map((tensor) => backend.floats(tensor));
}
