// AdamW, moving averages and norms over all parameters.

import type * as tf from '@tensorflow/tfjs';
import * as kernels from '../../../core/kernels.ts';
import type { AdamWAttrs, EmaAttrs } from '../../../core/kernels.ts';
import type { AdamWState, AdamWUpdate } from '../binding.ts';
import { adamWDescriptor } from '../generated/descriptors.ts';
import type { NativeBackend } from '../nativeBackend.ts';
import { replaceKernel } from './kernel.ts';

/**
 * Registers the kernels over all parameters at once: AdamW, the norm of its result, the moving average, the global norm. Inputs
 * are changed in place only where the caller gives them up and nobody else holds them.
 */
export function registerOptimizer(): void {
  replaceKernel<tf.TensorInfo[], AdamWAttrs>(kernels.AdamW, ({ inputs, attrs, backend }) => {
    const lists = adamWLists(inputs, attrs);
    const [p, , m, v] = lists;
    const outputs = [p, m, v].map((list) => outputsFor(backend, list, attrs.reuse));
    const [newP, newM, newV] = outputs.map((list) => list.map((out) => out.values)) as Three;
    const arrays = lists.map((list) => arraysOf(backend, list)) as unknown as AdamWState;
    backend.binding.adamw(...updateOf(attrs), ...arrays, newP, newM, newV);
    return outputs.flatMap((list) => list.map((out) => out.info));
  });
  replaceKernel<tf.TensorInfo[], AdamWAttrs>(kernels.AdamWNorm, ({ inputs, attrs, backend }) => {
    const arrays = adamWLists(inputs, attrs).map((list) =>
      arraysOf(backend, list),
    ) as unknown as AdamWState;
    const { info, values } = backend.output([]);
    values[0] = Math.sqrt(backend.binding.adamwSquares(...updateOf(attrs), ...arrays));
    return info;
  });
  replaceKernel<tf.TensorInfo[], EmaAttrs>(kernels.Ema, ({ inputs, attrs, backend }) => {
    const count = Object.keys(inputs).length / 2;
    const averages = part(inputs, 0, count);
    const outputs = outputsFor(backend, averages, attrs.reuse);
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

type Infos = [tf.TensorInfo[], tf.TensorInfo[], tf.TensorInfo[], tf.TensorInfo[]];
type Three = [Float32Array[], Float32Array[], Float32Array[]];

// p, g, m and v.
function adamWLists(inputs: tf.TensorInfo[], { learningRates }: AdamWAttrs): Infos {
  return [0, 1, 2, 3].map((list) => part(inputs, list, learningRates.length)) as Infos;
}

function updateOf(attrs: AdamWAttrs): AdamWUpdate {
  const { learningRates, weightDecays, beta1, beta2, epsilon, step } = attrs;
  const correction1 = 1 - beta1 ** step;
  const inverseRootCorrection2 = 1 / Math.sqrt(1 - beta2 ** step);
  return [
    adamWDescriptor({ beta1, beta2, epsilon, inverseRootCorrection2 }),
    learningRates.map((rate, i) => 1 - rate * weightDecays[i]!),
    learningRates.map((rate) => rate / correction1),
  ];
}

function outputsFor(backend: NativeBackend, list: tf.TensorInfo[], reuse = false) {
  return list.map((tensor) =>
    reuse ? backend.outputInPlace(tensor) : backend.output(tensor.shape),
  );
}

// The inputs of a kernel of many tensors are an array, or an object with its indices as keys.
function part(inputs: tf.TensorInfo[], list: number, count: number): tf.TensorInfo[] {
  return Array.from({ length: count }, (_, i) => inputs[list * count + i]!);
}

function arraysOf(backend: NativeBackend, tensors: tf.TensorInfo[]): Float32Array[] {
  return tensors.map((tensor) => backend.floats(tensor));
}
