// The task of a classifier: one class per image.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { assertShape } from '../core/check.ts';
import { NumericError } from '../core/errors.ts';
import { firstNonFinite } from '../core/finite.ts';
import type { Batch } from '../data/batch.ts';
import { lossNamed } from './losses/lossNamed.ts';
import { countCorrect, Metrics } from './metrics.ts';
import type { Evaluation } from './metrics.ts';
import type { Evaluator, MetricValues, Task } from './task.ts';

/**
 * The task of finding the class of an image. The best model has the highest top-1 and, among equals, the lowest loss.
 *
 * Training measures top-1 with the images as they were augmented; an evaluation measures the plain cross-entropy with the labels,
 * whatever the loss in training.
 *
 * @param options.loss  a name of `lossNames()`; default softmax
 * @throws InputError for an unknown loss
 */
export function classification(options: { loss?: string } = {}): Task<Evaluation> {
  assertFields('classification', options, { loss: 'text?' });
  const { loss = 'softmax' } = options;
  const meanLoss = lossNamed(loss);
  return {
    name: 'classification',
    trainMetrics: ['top1'],
    evalMetrics: ['loss', 'top1', 'top5'],
    loss: (model, batch, context) => {
      const images = imagesOf(batch);
      const targets = t.tensor2d(batch.targets, [batch.size, batch.targets.length / batch.size]);
      const logits = model.forward(images, context);
      return { loss: meanLoss(logits, targets), outputs: { logits } };
    },
    count: async ({ logits }, { labels }) => ({
      correct: countCorrect((await logits!.data()) as Float32Array, labels),
    }),
    trainingMetrics: ({ correct }, images) => ({ top1: correct! / images }),
    evaluator: ({ config }) => logitEvaluator(new Metrics(config.dataset.numClasses)),
    metrics: ({ loss: plainLoss, top1, top5 }) => ({ loss: plainLoss, top1, top5 }),
    isBetter,
    assertFits: (model, { config: { dataset, outputShape } }, context) => {
      t.tidy(() => {
        const logits = model.forward(t.zeros([1, ...outputShape]), context);
        assertShape('the logits of the model', logits, [1, dataset.numClasses]);
      });
    },
  };
}

// Comparisons with NaN are false, so an evaluation with NaN never becomes the best.
function isBetter(a: MetricValues, b: MetricValues | null): boolean {
  if (b === null) return Number.isFinite(a['loss']);
  return a['top1']! > b['top1']! || (a['top1'] === b['top1'] && a['loss']! < b['loss']!);
}

/** Something that is computed from the logits of an evaluation, batch by batch. */
export interface LogitMetrics<E> {
  /** @param logits [B, K], row by row. @param labels [B] */
  add(logits: ArrayLike<number>, labels: ArrayLike<number>): void;
  result(): E;
}

/** An evaluator that runs the model and hands its logits on. */
export function logitEvaluator<E>(metrics: LogitMetrics<E>): Evaluator<E> {
  return {
    add: async (model, batch, context) => {
      const logits = t.tidy(() => model.forward(imagesOf(batch), context));
      try {
        const values = await logits.data();
        assertFiniteLogits(values, batch);
        metrics.add(values, batch.labels);
      } finally {
        logits.dispose();
      }
    },
    result: () => metrics.result(),
  };
}

function assertFiniteLogits(values: ArrayLike<number>, batch: Batch): void {
  const bad = firstNonFinite(values);
  if (bad < 0) return;
  const index = batch.indices[Math.floor(bad / (values.length / batch.size))]!;
  throw new NumericError(
    `Expected finite logits for image ${index}, received ${values[bad]!}. Look at the image and the weights.`,
  );
}

function imagesOf({ images, size, imageShape }: Batch): tf.Tensor4D {
  return t.tensor4d(images, [size, ...imageShape]);
}
