import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { binaryCrossEntropy } from '../ops/binaryCrossEntropy.ts';
import { softmaxCrossEntropy } from '../ops/softmaxCrossEntropy.ts';
import type { ForwardContext } from '../core/context.ts';
import type { Precision } from '../core/precision.ts';
import type { Rng } from '../core/rng.ts';
import type { Batch } from '../data/loader.ts';
import { explainBadLoss } from './guard.ts';
import { countCorrect } from './metrics.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * The gradients of one update, and what its forward passes gave.
 *
 * @property gradients  of the mean loss over all images, by parameter name; the caller frees them
 * @property lossSum    sum over the images
 * @property correct    images whose label has the largest logit
 */
export interface UpdateGradients {
  gradients: Map<string, tf.Tensor>;
  lossSum: number;
  images: number;
  correct: number;
}

/**
 * What the gradients of an update are told.
 *
 * @property precision  of the products; default fp32
 * @property rng  of batch i of the update: what its dropouts draw from
 */
export interface GradientOptions {
  loss: 'softmax' | 'binary';
  precision?: Precision;
  rng: (i: number) => Rng;
  /** Where the run is, for errors: `step 17`. */
  when: string;
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
  { loss, precision = 'fp32', rng, when }: GradientOptions,
): Promise<UpdateGradients> {
  const sum: UpdateGradients = { gradients: new Map(), lossSum: 0, images: 0, correct: 0 };
  const images = batches.reduce((total, batch) => total + batch.size, 0);
  try {
    for (const [i, batch] of batches.entries()) {
      const context = { training: true, rng: rng(i), precision };
      const part = batchGradients(model, batch, { context, loss, weight: batch.size / images });
      accumulate(sum.gradients, part.gradients);
      try {
        const mean = (await part.loss.data())[0]!;
        if (!Number.isFinite(mean))
          throw await explainBadLoss(model, batch, mean, { when, precision });
        sum.lossSum += mean * batch.size;
        sum.correct += countCorrect(await part.logits.data(), batch.labels);
        sum.images += batch.size;
      } finally {
        part.loss.dispose();
        part.logits.dispose();
      }
    }
    return sum;
  } catch (error) {
    disposeAll(sum.gradients);
    throw error;
  }
}

/** Frees every tensor of a map. */
export function disposeAll(tensors: ReadonlyMap<string, tf.Tensor>): void {
  for (const tensor of tensors.values()) tensor.dispose();
}

// One forward and backward pass; the gradients are of weight · mean loss.
function batchGradients(
  model: TrainableModel,
  batch: Batch,
  {
    context,
    loss,
    weight,
  }: { context: ForwardContext; loss: 'softmax' | 'binary'; weight: number },
): { gradients: Map<string, tf.Tensor>; loss: tf.Scalar; logits: tf.Tensor2D } {
  const parameters = model.namedParameters();
  const rows = loss === 'softmax' ? softmaxCrossEntropy : binaryCrossEntropy;
  const [lossTensor, logits, ...gradients] = t.tidy(() => {
    const images = t.tensor4d(batch.images, [batch.size, ...batch.imageShape]);
    const targets = t.tensor2d(batch.targets, [batch.size, batch.targets.length / batch.size]);
    const kept: tf.Tensor2D[] = [];
    try {
      const { value, grads } = t.variableGrads(() => {
        const out = model.forward(images, context);
        // The gradient scope frees what is not returned; the logits are needed for the accuracy.
        kept.push(t.keep(t.clone(out)));
        return t.mean(rows(out, targets)) as tf.Scalar;
      }, [...parameters.values()]);
      const scaled = [...parameters.values()].map((parameter) => {
        const gradient = grads[parameter.name];
        if (gradient === undefined) return undefined;
        return weight === 1 ? gradient : t.mul(gradient, weight);
      });
      return [value, t.clone(kept[0]!), ...scaled] as (tf.Tensor | undefined)[];
    } finally {
      for (const tensor of kept) tensor.dispose();
    }
  });
  const named = new Map<string, tf.Tensor>();
  [...parameters.keys()].forEach((name, i) => {
    const gradient = gradients[i];
    if (gradient !== undefined) named.set(name, gradient);
  });
  return { gradients: named, loss: lossTensor as tf.Scalar, logits: logits as tf.Tensor2D };
}

function accumulate(sum: Map<string, tf.Tensor>, part: ReadonlyMap<string, tf.Tensor>): void {
  for (const [name, gradient] of part) {
    const before = sum.get(name);
    if (before === undefined) {
      sum.set(name, gradient);
      continue;
    }
    sum.set(name, t.add(before, gradient));
    before.dispose();
    gradient.dispose();
  }
}
