// The kernel GatherV2.

import * as tf from '@tensorflow/tfjs';
import { isFixed, replaceKernel } from './kernel.ts';

interface GatherInputs {
  x: tf.TensorInfo;
  indices: tf.TensorInfo;
}

/** Registers GatherV2: slices along an axis, each a copy of its run of memory. */
export function registerGather(): void {
  replaceKernel<GatherInputs, tf.GatherV2Attrs>(tf.GatherV2, ({ inputs, attrs, backend }) => {
    const { x, indices } = inputs;
    if (!isFixed(x) || indices.dtype !== 'int32') return undefined;
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const chosen = backend.elements(indices) as Int32Array;
    const plan = tf.backend_util.segment_util.collectGatherOpShapeInfo(
      x as tf.Tensor,
      indices as tf.Tensor,
      axis,
      attrs.batchDims ?? 0,
    );
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } = plan;
    if (batchSize === 0) return undefined;
    const count = chosen.length / batchSize;
    const { info, values } = backend.outputOf(x.dtype, outputShape);
    const sizes = [batchSize, outerSize, dimSize, sliceSize, count] as const;
    if (backend.binding.gather(...sizes, backend.elements(x), chosen, values)) return info;
    // The inherited kernel has the words for an index out of range.
    backend.disposeIntermediateTensorInfo(info);
    return undefined;
  });
}
