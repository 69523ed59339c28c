// What a model is trained for: its loss, its measures, and which of two models is the better one.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../core/context.ts';
import type { Batch, Loader } from '../data/loader.ts';
import type { TrainableModel } from './trainableModel.ts';
import type { LossWithOutputs } from './valueAndGrad.ts';

/** Measures by name: `loss`, `top1`. */
export type MetricValues = Readonly<Record<string, number>>;

/** Sums over images, by name: from them a task computes what an epoch of training says. */
export type MetricSums = Readonly<Record<string, number>>;

/**
 * What a model is trained for. The trainer, the evaluation and the log know a model's purpose only through this.
 *
 * `E` is what an evaluation gives: whatever the task likes, from which `metrics` takes the numbers.
 *
 * @property name          stands in a run's `config.json`, so that a run goes on only with its own task
 * @property trainMetrics  names of what `trainingMetrics` gives
 * @property evalMetrics   names of what `metrics` gives, in the order in which a person wants to read them
 *
 * @example
 * const task: Task<Evaluation> = {...classification(), isBetter: (a, b) => a['top5']! > b['top5']!};
 */
export interface Task<E = unknown> {
  readonly name: string;
  readonly trainMetrics: readonly string[];
  readonly evalMetrics: readonly string[];

  /**
   * The mean loss over a batch, a scalar to differentiate, and the tensors of the forward pass that `count` reads.
   *
   * @param context  of the forward pass: training, the stream of its dropouts, precision
   */
  loss(
    model: TrainableModel,
    batch: Batch,
    context: ForwardContext,
  ): LossWithOutputs<tf.NamedTensorMap>;

  /** Sums over the images of a batch, from the outputs of `loss`, which stay the caller's. */
  count(outputs: tf.NamedTensorMap, batch: Batch): Promise<MetricSums>;

  /** The metrics of training images from the sums of `count` and their number. */
  trainingMetrics(sums: MetricSums, images: number): MetricValues;

  /** Begins an evaluation of the images of a loader. */
  evaluator(loader: Loader): Evaluator<E>;

  /** The numbers of an evaluation that are logged, and by which `isBetter` decides. */
  metrics(evaluation: E): MetricValues;

  /** Whether a is better than b, the best so far; b is null for the first. What is not a number is never better. */
  isBetter(a: MetricValues, b: MetricValues | null): boolean;

  /**
   * Refuses a model that does not fit the data, by one forward pass of an image of the loader's shape.
   *
   * @throws ShapeError, InputError in one sentence
   */
  assertFits(model: TrainableModel, loader: Loader, context: ForwardContext): void;
}

/** Counts what a model got right, batch by batch. */
export interface Evaluator<E> {
  /** Runs the model on a batch. @throws NumericError if an output is not finite */
  add(model: TrainableModel, batch: Batch, context: ForwardContext): Promise<void>;
  /** The result so far. @throws InputError if no image was added */
  result(): E;
}
