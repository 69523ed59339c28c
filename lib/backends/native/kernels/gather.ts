import * as tf from '@tensorflow/tfjs';
import { areFloats, replaceKernel } from './kernel.ts';

interface GatherInputs {
  x: tf.TensorInfo;
  indices: tf.TensorInfo;
}

/** Registers the choice of slices along an axis, each a copy of its run of memory. */
export function registerGather(): void {
  replaceKernel<GatherInputs, tf.GatherV2Attrs>(tf.GatherV2, ({ inputs, attrs, backend }) => {
    const { x, indices } = inputs;
    if (!areFloats(x) || indices.dtype !== 'int32') return undefined;
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const chosen = backend.elements(indices);
    const plan = tf.backend_util.segment_util.collectGatherOpShapeInfo(
      x as tf.Tensor,
      indices as tf.Tensor,
      axis,
      attrs.batchDims ?? 0,
    );
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } = plan;
    // The inherited kernel has the words for an index out of range.
    if (chosen.some((index) => !(index >= 0 && index < dimSize))) return undefined;
    const source = backend.floats(x);
    const { info, values } = backend.output(outputShape);
    const count = chosen.length / batchSize;
    let at = 0;
    for (let b = 0; b < batchSize; b += 1)
      for (let outer = 0; outer < outerSize; outer += 1) {
        const from = (b * outerSize + outer) * dimSize;
        for (let i = 0; i < count; i += 1, at += sliceSize) {
          const begin = (from + chosen[b * count + i]!) * sliceSize;
          if (sliceSize < 16)
            for (let j = 0; j < sliceSize; j += 1) values[at + j] = source[begin + j]!;
          else values.set(source.subarray(begin, begin + sliceSize), at);
        }
      }
    return info;
  });
}
