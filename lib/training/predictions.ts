// The prediction of a classifier for each image of a data set, in its order.

import { InputError, expected } from '../core/errors.ts';
import { assertFields, assertMethods } from '../core/kinds.ts';
import type { Loader } from '../data/loader.ts';
import { classification, logitEvaluator, type LogitMetrics } from './classification.ts';
import { evaluate, type EvaluateOptions } from './evaluate.ts';
import { standing } from './metrics.ts';
import type { Task } from './task.ts';
import type { TrainableModel } from './trainableModel.ts';
import type { Stop } from '../core/stop.ts';

/**
 * Predictions of n images, in the order of the data set.
 *
 * @property labels           [n], the true classes
 * @property predicted        [n], the classes with the largest logit
 * @property confidences      [n], the probability of the predicted class
 * @property trueConfidences  [n], the probability of the true class
 * @property losses           [n], −ln of that, in nats
 */
export interface Predictions {
  labels: Int32Array;
  predicted: Int32Array;
  confidences: Float64Array;
  trueConfidences: Float64Array;
  losses: Float64Array;
}

/**
 * Predicts the class of every image of a data set.
 *
 * @param loader        with `training: false`
 * @param options.stop  a signal ends it early, with undefined as its result
 * @throws InputError if a weight is not finite; NumericError if an output is not
 *
 * @example const {confidences, labels, predicted} = (await predictAll(model, loader))!;
 */
export async function predictAll(
  model: TrainableModel,
  loader: Loader,
  options: Pick<EvaluateOptions, 'precision' | 'onBatch'> & { stop?: Stop | undefined } = {},
): Promise<Predictions | undefined> {
  assertMethods('a Loader', 'loader', loader, ['batch']);
  assertFields('predictAll', options, { onBatch: 'function?' });
  const { numClasses, length } = loader.config.dataset;
  const task: Task<Predictions> = {
    ...classification(),
    evaluator: () => logitEvaluator(new PredictionList(numClasses, length)),
    metrics: () => ({}),
  };
  return evaluate(model, loader, { stop: undefined, ...options, task });
}

/** Collects predictions batch by batch. */
export class PredictionList implements LogitMetrics<Predictions> {
  private readonly classes: number;
  private readonly list: Predictions;
  private count = 0;

  constructor(classes: number, images: number) {
    this.classes = classes;
    this.list = {
      labels: new Int32Array(images),
      predicted: new Int32Array(images),
      confidences: new Float64Array(images),
      trueConfidences: new Float64Array(images),
      losses: new Float64Array(images),
    };
  }

  add(logits: ArrayLike<number>, labels: ArrayLike<number>): void {
    const K = this.classes;
    const { list } = this;
    for (let row = 0; row < labels.length; row += 1, this.count += 1) {
      const offset = row * K;
      const label = labels[row]!;
      const { best, logSumExp } = standing(logits, offset, K, label);
      const loss = logSumExp - logits[offset + label]!;
      list.labels[this.count] = label;
      list.predicted[this.count] = best;
      list.confidences[this.count] = Math.exp(logits[offset + best]! - logSumExp);
      list.trueConfidences[this.count] = Math.exp(-loss);
      list.losses[this.count] = loss;
    }
  }

  result(): Predictions {
    if (this.count === this.list.labels.length) return this.list;
    const wanted = `${this.list.labels.length} images`;
    throw new InputError(expected(wanted, 'the predictions', this.count));
  }
}
