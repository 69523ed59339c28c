// The gradients of one update: every batch's forward and backward pass, averaged over the images.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { InputError, expected } from '../core/errors.ts';
import type { Interceptor } from '../core/intercept.ts';
import { unmarked, type Phase } from '../core/phase.ts';
import type { Precision } from '../core/precision.ts';
import type { Rng } from '../core/rng.ts';
import type { Batch } from '../data/batch.ts';
import type { BatchPlace } from '../data/batchTransform.ts';
import { explainBadLoss } from './guard.ts';
import type { MetricSums, Task } from './task.ts';
import type { TrainableModel } from './trainableModel.ts';
import type { TrainablePart } from './trainablePart.ts';
import { valueAndGrad } from './valueAndGrad.ts';

/**
 * The gradients of one update, and the sums of its forward passes.
 *
 * @property gradients  gradients of the mean loss over all images, by parameter name; the caller frees them
 * @property lossSum    sum over the images
 * @property counts     the task's sums over the images
 */
export interface UpdateGradients {
  gradients: Map<string, tf.Tensor>;
  lossSum: number;
  images: number;
  counts: MetricSums;
}

/**
 * The options of the gradients of an update.
 *
 * @property trainable  the parameters to differentiate by; default: all of the model
 * @property precision  the precision of the matrix products; default fp32
 * @property rng        the random stream of the dropouts for batch i of the update
 * @property at         where batch i of the update stands in the training; a task that prepares its batches needs it
 */
export interface GradientOptions {
  task: Task;
  trainable?: TrainablePart;
  precision?: Precision;
  rng: (i: number) => Rng;
  at?: (i: number) => BatchPlace;
  /** How errors say where the run is: `step 17`. */
  when: string;
  /** Runs the forward and the backward passes; default: it only runs them. */
  phase?: Phase;
  /** Stands around the steps of the forward passes. */
  intercept?: Interceptor | undefined;
}

/**
 * Loss and gradients of the batches of one update, averaged over their images: one batch of 2·n images and two of n give the
 * same up to rounding.
 *
 * @throws NumericError naming the first tensor that is not finite, if the loss is not
 */
export async function updateGradients(
  model: TrainableModel,
  batches: readonly Batch[],
  options: GradientOptions,
): Promise<UpdateGradients> {
  const { task, trainable = model, precision = 'fp32', rng, when } = options;
  const { phase = unmarked, intercept, at = (i) => ({ epoch: 0, step: i }) } = options;
  const sum: UpdateGradients = { gradients: new Map(), lossSum: 0, images: 0, counts: {} };
  const images = batches.reduce((total, batch) => total + batch.size, 0);
  try {
    for (const [i, given] of batches.entries()) {
      const batch = (await task.prepare?.(given, at(i), { precision })) ?? given;
      const context = { training: true, rng: rng(i), precision, intercept };
      const loss = () => task.loss(model, batch, context);
      const { value, gradients, outputs } = valueAndGrad(trainable, loss, { phase });
      accumulate(sum.gradients, gradients, batch.size / images);
      try {
        const mean = (await value.data())[0]!;
        if (!Number.isFinite(mean))
          throw await explainBadLoss(model, batch, mean, { task, when, precision });
        sum.lossSum += mean * batch.size;
        sum.counts = addCounts(sum.counts, assertCounts(await task.count(outputs, batch)));
        sum.images += batch.size;
      } finally {
        t.dispose([value, ...Object.values(outputs)]);
      }
    }
    return sum;
  } catch (error) {
    disposeAll(sum.gradients);
    throw error;
  }
}

// The trainer sums the loss and the images itself, beside the counts of the task.
function assertCounts(counts: MetricSums): MetricSums {
  const taken = Object.keys(counts).find((name) => name === 'loss' || name === 'images');
  if (taken === undefined) return counts;
  const remedy = 'The trainer sums these itself.';
  throw new InputError(
    expected('a name besides loss and images', 'a count of the task', taken, remedy),
  );
}

/** Frees every tensor of a map. */
export function disposeAll(tensors: ReadonlyMap<string, tf.Tensor>): void {
  for (const tensor of tensors.values()) tensor.dispose();
}

/** Adds the sums of two sets of images, name by name. */
export function addCounts(a: MetricSums, b: MetricSums): Record<string, number> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

// Adds weight · gradient to each sum and disposes the gradients.
function accumulate(
  sum: Map<string, tf.Tensor>,
  part: ReadonlyMap<string, tf.Tensor>,
  weight: number,
): void {
  for (const [name, gradient] of part) {
    const before = sum.get(name);
    if (before === undefined && weight === 1) {
      sum.set(name, gradient);
      continue;
    }
    const after = t.tidy(() => {
      const scaled = weight === 1 ? gradient : t.mul(gradient, weight);
      return before === undefined ? scaled : t.add(before, scaled);
    });
    sum.set(name, after);
    before?.dispose();
    gradient.dispose();
  }
}
