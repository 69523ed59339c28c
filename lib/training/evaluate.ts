// The evaluation of a model on a data set, as its task measures.

import { assertOneOf } from '../core/check.ts';
import { assertModule } from '../core/module.ts';
import { precisions } from '../core/precision.ts';
import { assertFields, assertMethods } from '../core/kinds.ts';
import { nextTurn } from '../core/eventLoop.ts';
import type { Precision } from '../core/precision.ts';
import type { Stop } from '../core/stop.ts';
import type { Loader } from '../data/loader.ts';
import { prefetch } from '../data/prefetch.ts';
import { assertFiniteWeights } from './guard.ts';
import { classification } from './classification.ts';
import type { Evaluation } from './metrics.ts';
import type { Task } from './task.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * The options of `evaluate`.
 *
 * @property task       the task whose metrics are measured; default `classification()`: loss, top-1, top-5, each class, confusion
 * @property precision  the precision of the model's matrix products; default fp32
 * @property onBatch    called after each batch with the images done so far
 */
export interface EvaluateOptions<E = Evaluation> {
  task?: Task<E>;
  precision?: Precision;
  onBatch?: (images: number) => void;
}

/**
 * Evaluates a model on a data set with the metrics of its task.
 *
 * @param loader        with `training: false`
 * @param options.stop  a signal ends the evaluation early, with undefined as its result
 * @throws InputError if a weight is not finite; NumericError if an output is not
 *
 * @example const {top1, loss} = await evaluate(model, loader);
 */
export async function evaluate<E = Evaluation>(
  model: TrainableModel,
  loader: Loader,
  options?: EvaluateOptions<E>,
): Promise<E>;
export async function evaluate<E = Evaluation>(
  model: TrainableModel,
  loader: Loader,
  options: EvaluateOptions<E> & { stop: Stop | undefined },
): Promise<E | undefined>;
export async function evaluate(
  model: TrainableModel,
  loader: Loader,
  options: EvaluateOptions<unknown> & { stop?: Stop | undefined } = {},
): Promise<unknown> {
  assertModule(model, ['forward']);
  assertMethods('a Loader', 'loader', loader, ['batch']);
  assertFields('evaluate', options, { task: 'instance?', onBatch: 'function?' });
  const { task = classification(), precision = 'fp32', stop, onBatch } = options;
  assertOneOf('precision', precision, precisions);
  await assertFiniteWeights(model);
  const evaluator = task.evaluator(loader);
  let images = 0;
  for await (const batch of prefetch(loader, 0)) {
    await nextTurn();
    if (stop?.signal !== undefined) return undefined;
    await evaluator.add(model, batch, { precision });
    images += batch.size;
    onBatch?.(images);
  }
  return evaluator.result();
}
