// Softmax and the losses that are built on it.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import * as kernels from '../../../core/kernels.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface Logits {
  logits: tf.TensorInfo;
}
interface LossInputs extends Logits {
  targets: tf.TensorInfo;
}

/** Registers softmax, and softmax and binary cross-entropy with their gradients. */
export function registerSoftmax(): void {
  replaceKernel<Logits, tf.SoftmaxAttrs>(tf.Softmax, ({ inputs: { logits }, attrs, backend }) => {
    const { shape } = logits;
    const last = shape.length - 1;
    if (!areFloats(logits) || (attrs.dim !== last && attrs.dim !== -1)) return undefined;
    const cols = shape[last] ?? 1;
    const { info, values } = backend.output(shape);
    const rows = sizeOf(shape.slice(0, -1));
    backend.binding.softmax(rows, cols, backend.floats(logits), false, values);
    return info;
  });
  for (const [kernelName, binary] of [
    [kernels.SoftmaxCrossEntropy, false],
    [kernels.BinaryCrossEntropy, true],
  ] as const) {
    replaceKernel<LossInputs, object>(kernelName, ({ inputs: { logits, targets }, backend }) => {
      const [rows, cols] = logits.shape as [number, number];
      const loss = backend.output([rows]);
      const dLogits = backend.output([rows, cols]);
      const z = backend.floats(logits);
      const t = backend.floats(targets);
      backend.binding.crossEntropy(binary, rows, cols, z, t, loss.values, dLogits.values);
      return [loss.info, dLogits.info];
    });
  }
}
