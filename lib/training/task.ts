// The interface of a task: the loss and the metrics of a training, and the choice of the better model.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../core/context.ts';
import type { Precision } from '../core/precision.ts';
import type { Batch } from '../data/batch.ts';
import type { BatchPlace } from '../data/batchTransform.ts';
import type { Loader } from '../data/loader.ts';
import type { TrainableModel } from './trainableModel.ts';
import type { LossWithOutputs } from './valueAndGrad.ts';

/** Metrics by name: `loss`, `top1`. */
export type MetricValues = Readonly<Record<string, number>>;

/** Sums over images, by name, from which a task computes the metrics of an epoch of training. */
export type MetricSums = Readonly<Record<string, number>>;

/**
 * The purpose of a training: its loss, its metrics and the choice of the best model. The trainer, the evaluation and the log depend
 * on the purpose only through this interface.
 *
 * `E` is the type of an evaluation's result. The task chooses it, and `metrics` takes the numbers from it.
 *
 * @property name          the name in a run's `config.json`, so that a run is resumed only with its own task
 * @property trainMetrics  the names of the results of `trainingMetrics`
 * @property evalMetrics   the names of the results of `metrics`, in the order for a reader
 *
 * @example
 * const task: Task<Evaluation> = {...classification(), isBetter: (a, b) => a['top5']! > b['top5']!};
 */
export interface Task<E = unknown> {
  readonly name: string;
  readonly trainMetrics: readonly string[];
  readonly evalMetrics: readonly string[];

  /**
   * Prepares a batch for `loss`, before anything is recorded for a gradient: adds a teacher's logits; default: as it is.
   *
   * @param at  where the batch stands in the training
   */
  prepare?(batch: Batch, at: BatchPlace, context: { precision: Precision }): Promise<Batch>;

  /**
   * The mean loss over a batch, a scalar to differentiate, and the tensors of the forward pass that `count` reads.
   *
   * @param context  the context of the forward pass: training, the stream of its dropouts, precision
   */
  loss(
    model: TrainableModel,
    batch: Batch,
    context: ForwardContext,
  ): LossWithOutputs<tf.NamedTensorMap>;

  /** Sums over the images of a batch, from the outputs of `loss`, which stay the caller's. `loss` and `images` are the trainer's own. */
  count(outputs: tf.NamedTensorMap, batch: Batch): Promise<MetricSums>;

  /** The metrics of training images from the sums of `count` and their number. */
  trainingMetrics(sums: MetricSums, images: number): MetricValues;

  /** Begins an evaluation of the images of a loader. */
  evaluator(loader: Loader): Evaluator<E>;

  /** The numbers of an evaluation that are logged and that `isBetter` compares. */
  metrics(evaluation: E): MetricValues;

  /** Whether a is better than b, the best so far; b is null for the first. NaN is never better. */
  isBetter(a: MetricValues, b: MetricValues | null): boolean;

  /**
   * Refuses a model that does not fit the data, by one forward pass of an image of the loader's shape.
   *
   * @throws ShapeError, InputError in one sentence
   */
  assertFits(model: TrainableModel, loader: Loader, context: ForwardContext): void;
}

/** Accumulates the metrics of a model batch by batch. */
export interface Evaluator<E> {
  /** Runs the model on a batch. @throws NumericError if an output is not finite */
  add(model: TrainableModel, batch: Batch, context: ForwardContext): Promise<void>;
  /** The result so far. @throws InputError if no image was added */
  result(): E;
}
