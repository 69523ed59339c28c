// Non-max suppression.

import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../nativeBackend.ts';
import { areFloats, replaceKernel } from './kernel.ts';

interface Boxes {
  boxes: tf.TensorInfo;
  scores: tf.TensorInfo;
}
interface Choice {
  /** The indices of the selected boxes, best first; zeros behind them. */
  chosen: Int32Array;
  scores: Float32Array;
  count: number;
}

/** Registers non-max suppression of boxes, in the three forms that tfjs has. */
export function registerNonMaxSuppression(): void {
  replaceKernel<Boxes, tf.NonMaxSuppressionV3Attrs>(tf.NonMaxSuppressionV3, (call) => {
    const choice = chosenBoxes(call.backend, call.inputs, call.attrs, 0);
    return choice && indices(call.backend, choice, choice.count);
  });
  replaceKernel<Boxes, tf.NonMaxSuppressionV4Attrs>(tf.NonMaxSuppressionV4, (call) => {
    const { backend, attrs } = call;
    const choice = chosenBoxes(backend, call.inputs, attrs, 0);
    if (choice === undefined) return undefined;
    const { chosen, count } = choice;
    const all = indices(backend, choice, attrs.padToMaxOutputSize ? chosen.length : count);
    return [all, backend.makeTensorInfo([], 'int32', Int32Array.of(count))];
  });
  replaceKernel<Boxes, tf.NonMaxSuppressionV5Attrs>(tf.NonMaxSuppressionV5, (call) => {
    const { backend, attrs } = call;
    const choice = chosenBoxes(backend, call.inputs, attrs, attrs.softNmsSigma);
    if (choice === undefined) return undefined;
    const { count, scores } = choice;
    const selectedScores = backend.makeTensorInfo([count], 'float32', scores.slice(0, count));
    return [indices(backend, choice, count), selectedScores];
  });
}

function chosenBoxes(
  backend: NativeBackend,
  { boxes, scores }: Boxes,
  { maxOutputSize, iouThreshold, scoreThreshold }: tf.NonMaxSuppressionV3Attrs,
  sigma: number,
): Choice | undefined {
  const [n] = scores.shape;
  const fits =
    scores.shape.length === 1 && tf.util.arraysEqual(boxes.shape, [n!, 4]) && maxOutputSize <= n!;
  const scale = sigma > 0 ? -0.5 / sigma : 0;
  const known = Number.isInteger(maxOutputSize) && maxOutputSize >= 0 && Number.isFinite(scale);
  const limited = iouThreshold >= 0 && iouThreshold <= 1 && typeof scoreThreshold === 'number';
  if (!areFloats(boxes, scores) || !fits || !known || !limited) return undefined;
  const chosen = new Int32Array(maxOutputSize);
  const selectedScores = new Float32Array(maxOutputSize);
  const limits = [iouThreshold, scoreThreshold, scale] as const;
  const [corners, values] = [backend.floats(boxes), backend.floats(scores)];
  const count = backend.binding.nonMaxSuppression(
    corners,
    values,
    ...limits,
    chosen,
    selectedScores,
  );
  // The overlap of boxes that are not finite may be NaN.
  return count < 0 ? undefined : { chosen, scores: selectedScores, count };
}

function indices(backend: NativeBackend, { chosen }: Choice, count: number): tf.TensorInfo {
  return backend.makeTensorInfo([count], 'int32', chosen.slice(0, count));
}
