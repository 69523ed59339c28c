// Guards against NaN and infinity. In a sound step they cost one norm of the guarded tensors.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { globalNorm } from '../ops/globalNorm.ts';
import { Capture } from '../core/capture.ts';
import { InputError, NumericError, expected } from '../core/errors.ts';
import { firstNonFinite } from '../core/finite.ts';
import type { Precision } from '../core/precision.ts';
import type { Batch } from '../data/batch.ts';
import type { Task } from './task.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * The norm of all tensors, √Σ‖t‖², when every element is finite.
 *
 * @param what  how an error calls a tensor, before its name: `the gradient of`
 * @param when  where the run is: `step 17`
 * @throws NumericError naming the first tensor with a NaN or an infinity, the element and its value
 */
export async function finiteNorm(
  what: string,
  tensors: ReadonlyMap<string, tf.Tensor>,
  when: string,
): Promise<number> {
  const norm = t.tidy(() => globalNorm([...tensors.values()]));
  try {
    const value = (await norm.data())[0]!;
    if (Number.isFinite(value)) return value;
  } finally {
    norm.dispose();
  }
  const bad = await firstBad(tensors);
  if (bad !== undefined) throw nonFinite(`${what} ${bad.name}`, bad.found, when);
  return hostNorm(tensors);
}

/** Refuses a model with a NaN or an infinity in its weights. @throws InputError naming the first */
export async function assertFiniteWeights(model: TrainableModel): Promise<void> {
  const bad = await firstBad(model.stateDict());
  if (bad === undefined) return;
  const remedy = 'Load a sound checkpoint.';
  throw new InputError(expected('finite weights', `the model's ${bad.name}`, bad.found, remedy));
}

/**
 * The error of a loss that is not finite: names where it comes from, looking in the order of the computation at the images,
 * the weights, the model's inner tensors, the loss.
 */
export async function explainBadLoss(
  model: TrainableModel,
  batch: Batch,
  loss: number,
  { task, when, precision = 'fp32' }: { task: Task; when: string; precision?: Precision },
): Promise<NumericError> {
  const pixel = firstNonFinite(batch.images);
  if (pixel >= 0) {
    const row = Math.floor(pixel / (batch.images.length / batch.size));
    return nonFinite(`image ${batch.indices[row]!}`, `${batch.images[pixel]!}`, when);
  }
  const weight = await firstBad(model.stateDict());
  if (weight !== undefined) return nonFinite(`the weight ${weight.name}`, weight.found, when);
  const capture = new Capture(['*', '*.*', '*.*.output']);
  try {
    t.tidy(() => void task.loss(model, batch, { intercept: capture, precision }));
    const inner = await firstBad(capture.entries());
    if (inner !== undefined) return nonFinite(`the tensor ${inner.name}`, inner.found, when);
  } finally {
    capture.dispose();
  }
  return nonFinite('the loss', `${loss}`, when);
}

async function firstBad(
  tensors: ReadonlyMap<string, tf.Tensor>,
): Promise<{ name: string; found: string } | undefined> {
  for (const [name, tensor] of tensors) {
    const values = await tensor.data();
    const at = firstNonFinite(values);
    if (at >= 0) return { name, found: `${values[at]!} at element ${at}` };
  }
  return undefined;
}

// Squares above 3e38 overflow in float32 although every element is finite.
async function hostNorm(tensors: ReadonlyMap<string, tf.Tensor>): Promise<number> {
  let sum = 0;
  for (const tensor of tensors.values()) for (const value of await tensor.data()) sum += value ** 2;
  return Math.sqrt(sum);
}

function nonFinite(name: string, found: string, when: string): NumericError {
  const remedy =
    `In ${when}, before anything was written. ` +
    'Lower the learning rate, clip gradients, or look at the data.';
  return new NumericError(`Expected finite numbers for ${name}, received ${found}. ${remedy}`);
}
