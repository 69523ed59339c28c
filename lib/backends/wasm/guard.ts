// Guards of tfjs's WebAssembly kernels: arguments with which they would leave their memory are mended or refused.

import * as tf from '@tensorflow/tfjs';
import { InputError, UnsupportedError } from '../../core/errors.ts';
import { replaceKernel, type KernelArguments } from './replaceKernel.ts';
import { guardEmpty } from './guardEmpty.ts';
import { guardWindows } from './guardWindows.ts';

/**
 * Makes `wasm` safe for every tfjs program.
 *
 * tfjs-backend-wasm 4.22 checks little: an axis counted from the end, an index outside or a window larger than its image ends in a
 * fault of its memory, or in numbers that lay there. What can be said otherwise is; what cannot is refused. Should a kernel still
 * leave its memory, that and each later call say so.
 */
export function guardKernels(): void {
  guardAxes();
  guardIndices();
  guardWindows();
  guardEmpty();
  guardMemory();
}

function guardAxes(): void {
  for (const kernelName of [tf.Cumsum, tf.Cumprod])
    replaceKernel(kernelName, (original) => (call) => {
      const { x } = call.inputs as { x: tf.TensorInfo };
      const [axis] = tf.util.parseAxisParam(
        (call.attrs as unknown as tf.CumsumAttrs).axis,
        x.shape,
      );
      return original({ ...call, attrs: { ...call.attrs, axis: axis! } });
    });
}

// For each kernel the indices, and the sizes of the axes that they point into.
type Pointing = (call: KernelArguments) => [indices: tf.TensorInfo, shape: readonly number[]];
const pointing: Readonly<Record<string, Pointing>> = {
  [tf.GatherNd]: ({ inputs }) => [info(inputs, 'indices'), info(inputs, 'params').shape],
  [tf.ScatterNd]: ({ inputs, attrs }) => [
    info(inputs, 'indices'),
    (attrs as unknown as tf.ScatterNdAttrs).shape,
  ],
  [tf.TensorScatterUpdate]: ({ inputs }) => [info(inputs, 'indices'), info(inputs, 'tensor').shape],
  [tf.SparseToDense]: ({ inputs, attrs }) => [
    info(inputs, 'sparseIndices'),
    (attrs as unknown as tf.SparseToDenseAttrs).outputShape,
  ],
};

function guardIndices(): void {
  for (const [kernelName, of] of Object.entries(pointing))
    replaceKernel(kernelName, (original) => (call) => {
      const [indices, shape] = of(call);
      assertInside(numbers(call, indices), indices.shape, shape);
      return original(call);
    });
  replaceKernel(tf.CropAndResize, (original) => (call) => {
    const [batch] = info(call.inputs, 'image').shape;
    const images = info(call.inputs, 'boxInd');
    assertInside(numbers(call, images), [images.shape[0]!, 1], [batch!]);
    return original(call);
  });
  for (const kernelName of [tf.SparseSegmentSum, tf.SparseSegmentMean])
    replaceKernel(kernelName, (original) => (call) => {
      const ids = numbers(call, info(call.inputs, 'segmentIds'));
      const at = ids.findIndex((id) => id < 0);
      if (at >= 0)
        throw new InputError(`segment ids must be >= 0, but the one at ${at} is ${ids[at]}`);
      return original(call);
    });
}

const info = (inputs: KernelArguments['inputs'], name: string): tf.TensorInfo =>
  (inputs as Record<string, tf.TensorInfo>)[name]!;

function numbers({ backend }: KernelArguments, { dataId }: tf.TensorInfo): Int32Array {
  return (backend as tf.KernelBackend).readSync(dataId as object) as Int32Array;
}

// As in tfjs, it is the row that must be inside, and these are its words.
function assertInside(
  indices: Int32Array,
  form: readonly number[],
  shape: readonly number[],
): void {
  const depth = form.length > 1 ? form.at(-1)! : 1;
  const rows = tf.util.sizeFromShape(shape.slice(0, depth));
  for (let i = 0; i + depth <= indices.length; i += depth) {
    let row = 0;
    for (let d = 0; d < depth; d += 1) row = row * shape[d]! + indices[i + d]!;
    if (row < 0 || row >= rows)
      throw new InputError(
        `Invalid indices: ${indices.subarray(i, i + depth).join()} does not index into ${shape.join()}`,
      );
  }
}

let broken: string | undefined;

// After a fault nothing in the memory of the module can be trusted.
function guardMemory(): void {
  for (const { kernelName } of tf.getKernelsForBackend('wasm'))
    replaceKernel(kernelName, (original) => (call) => {
      if (broken !== undefined) throw new UnsupportedError(broken);
      try {
        return original(call);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'RuntimeError') throw error;
        broken = `The backend wasm left its memory in ${kernelName} (${error.message}) and cannot be used any more. Start the program anew, with the backend native or cpu.`;
        throw new UnsupportedError(broken);
      }
    });
}
