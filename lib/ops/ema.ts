// One step of the exponential moving average of many tensors.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertShape, assertTensor } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import * as kernels from '../core/kernels.ts';
import type { EmaAttrs } from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';

/**
 * One step of an exponential moving average of many tensors.
 *
 * average' = decay·average + (1 − decay)·value
 *
 * @param averages, values  lists in one order, equal shapes
 * @param options.decay     0 (take the values) to 1 (keep the averages)
 * @param options.reuse     true: the caller donates the averages, and a result may lie in the memory of one; default false
 * @returns new tensors, which the caller assigns and frees
 * @throws ShapeError or InputError if the lists do not match or decay is out of range
 *
 * 1 − decay is computed in float64 and rounded once. Source: Polyak & Juditsky 1992; timm's `ModelEmaV2`.
 */
export function ema(
  averages: readonly tf.Tensor[],
  values: readonly tf.Tensor[],
  options: EmaAttrs,
): tf.Tensor[] {
  assertKind('averages', averages, 'list');
  assertKind('values', values, 'list');
  assertKind('options of ema', options, 'instance');
  const { decay, reuse = false } = options;
  assertNumber('decay', decay, { min: 0, max: 1 });
  if (values.length !== averages.length) {
    const what = `one entry for each of ${averages.length} averages`;
    throw new InputError(expected(what, 'values', values.length));
  }
  averages.forEach((average, i) => assertTensor(`averages[${i}]`, average));
  values.forEach((value, i) => assertShape(`values[${i}]`, value, averages[i]!.shape));
  return averages.length === 0 ? [] : emaKernel([...averages, ...values], { decay, reuse });
}

// `Ema` in plain tfjs ops.
function referenceEma(inputs: readonly tf.Tensor[], { decay }: EmaAttrs): tf.Tensor[] {
  const count = inputs.length / 2;
  return inputs
    .slice(0, count)
    .map((average, i) => tf.add(tf.mul(average, decay), tf.mul(inputs[count + i]!, 1 - decay)));
}

const emaKernel = defineKernel(kernels.Ema, { reference: referenceEma });
