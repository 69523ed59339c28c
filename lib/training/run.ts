// A training run: its parts, and how they are saved and freed.

import type * as tf from '@tensorflow/tfjs';
import type { EpochLog, RunSink } from '../core/runSink.ts';
import type { FileStore } from '../core/store.ts';
import type { Stop } from '../core/stop.ts';
import type { BatchTransform } from '../data/batchTransform.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Loader } from '../data/loader.ts';
import type { Normalization } from '../data/normalize.ts';
import type { PreprocessingOptions } from '../data/preprocessing.ts';
import type { SamplesOf } from '../data/samples.ts';
import type { Transform } from '../data/transform.ts';
import type { Communicator } from '../distributed/communicator.ts';
import type { Ema } from './ema.ts';
import { logColumns } from './logColumns.ts';
import type { Evaluation } from './metrics.ts';
import type { Optimizer } from './optimizer.ts';
import { runFileNames, runFiles } from './runFiles.ts';
import type { ResolutionStage } from './progressive.ts';
import type { RunState, RunTimes } from './runState.ts';
import type { Schedule } from './schedules.ts';
import type { FullTrainConfig } from './trainConfig.ts';
import type { Task } from './task.ts';
import type { Teacher } from './teacher.ts';
import type { TrainableModel } from './trainableModel.ts';
import type { TrainablePart } from './trainablePart.ts';

/**
 * The inputs of a run besides its config.
 *
 * @property model         the model, which is trained in place and still belongs to the caller
 * @property train         the images to train on
 * @property validation    the images to choose the best epoch on; default: `valSplit` of the training images
 * @property test          the images to evaluate the best checkpoint on, once, when all epochs are done; default: no evaluation
 * @property trainTransforms  augmentation of the training images
 * @property evalTransforms   applied to the images of validation and test
 * @property batchTransforms  applied to the batches of training, after label smoothing
 * @property repeats        copies of each training image in a row, each augmented anew; default 1: see `LoaderConfig`
 * @property samples       prepares the samples; default: this thread does. `SampleWorkers` of tfjs-vit/node has worker threads
 * @property extraFiles    more files of the run folder, asked for with each save
 * @property normalize      mean and deviation of the channels
 * @property preprocessing  how an image file becomes the model's input, stored with the run; a field that is not given has its
 *                          default. Images of a data set in which they differ in size are resized to its `size`
 * @property task          the loss and metrics of the training; default `classification()` with the config's `loss`
 * @property teacher       gives the logits to learn from, where `distillation` of the config has a type
 * @property communicator  the processes that train together; default `singleProcess`
 * @property store         the run folder
 * @property resume        the run folder to resume from; may be `store`
 * @property overwrite     true: a run that `store` holds is replaced, and no file of it stays; default false: it is refused
 * @property allowChanges  true: resume although the config or the data differ from the stored ones; default false
 * @property upgradeData   converts the stored `data` of a resumed run to the form of `config.data`, where an older version wrote it
 * @property sinks         the receivers of the progress
 * @property saveWaitSeconds  how long the save of an epoch, or of the end, is tried again while the place refuses it; default 60
 * @property stop          the request to end the run, which is checked between steps
 * @property snapshot      describes the present weights as the text of a JSON file, where the config has `snapshots`
 * @property figures       draws the pictures of the run folder after each evaluation; default: none. `runFigures` draws a classifier's, in Node
 */
export interface TrainEnv<E = Evaluation> {
  model: TrainableModel;
  train: Dataset;
  validation?: Dataset | undefined;
  test?: Dataset | undefined;
  trainTransforms?: readonly Transform[];
  evalTransforms?: readonly Transform[];
  batchTransforms?: readonly BatchTransform[];
  repeats?: number;
  samples?: SamplesOf | undefined;
  extraFiles?: (() => ReadonlyMap<string, Uint8Array | string>) | undefined;
  normalize: Normalization;
  preprocessing?: Omit<PreprocessingOptions, 'normalize'>;
  store: FileStore;
  resume?: FileStore | undefined;
  overwrite?: boolean;
  allowChanges?: boolean;
  upgradeData?: (stored: unknown) => unknown;
  sinks?: readonly RunSink[];
  saveWaitSeconds?: number;
  stop?: Stop | undefined;
  task?: Task<E> | undefined;
  teacher?: Teacher | undefined;
  communicator?: Communicator;
  snapshot?: ((epoch: number) => Promise<string>) | undefined;
  figures?: FiguresOf<E> | undefined;
}

/**
 * The data of a run for a producer of figures, after an epoch and after the test at the end.
 *
 * @property part        the part of the data that was evaluated
 * @property log         the finished epochs
 * @property evaluation  the evaluation of the last epoch, or of the test; undefined without validation data
 * @property classNames  the classes of the training data
 * @property smoothing   ε of label smoothing
 */
export interface RunView<E = Evaluation> {
  part: 'validation' | 'test';
  log: readonly EpochLog[];
  evaluation: E | undefined;
  classNames: readonly string[];
  smoothing: number;
}

/** Draws files of a run folder, by name. An error is reported, and training goes on. */
export type FiguresOf<E = Evaluation> = (view: RunView<E>) => Promise<Map<string, Uint8Array>>;

/**
 * The parts of a run. `record` is the content of `config.json`, `epochs` the length of the run under its schedule, `trainable` the
 * parameters that are not frozen.
 */
export interface Run {
  readonly config: FullTrainConfig;
  readonly task: Task;
  readonly communicator: Communicator;
  readonly record: Record<string, unknown>;
  readonly model: TrainableModel;
  /** Parameters and buffers. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
  readonly buffers: ReadonlyMap<string, tf.Variable>;
  readonly trainable: TrainablePart;
  /** The batches to train on at the model's size. */
  readonly loader: Loader;
  readonly stages: readonly ResolutionStage[];
  readonly validation: Loader | undefined;
  readonly test: Loader | undefined;
  readonly epochs: number;
  readonly updatesPerEpoch: number;
  readonly schedule: Schedule;
  readonly optimizer: Optimizer;
  readonly ema: Ema | undefined;
  readonly store: FileStore;
  readonly sinks: Required<RunSink>;
  readonly stop: Stop | undefined;
  readonly extraFiles: TrainEnv['extraFiles'];
  readonly snapshot: TrainEnv['snapshot'];
  readonly figures: FiguresOf<unknown> | undefined;
  readonly state: RunState;
  /** The times of this call, for the time left. */
  readonly times: RunTimes;
  /** Files of saves that failed; they are part of the next. */
  readonly unsaved: Map<string, Uint8Array | string>;
  readonly saveWaitSeconds: number;
}

/**
 * Writes the present state of the run as one set.
 *
 * The best weights and `extra` of a save that fails are kept, and written with the next one.
 */
export async function saveRun(
  run: Run,
  { isBest = false, extra = new Map() }: SaveOptions = {},
): Promise<void> {
  const { record, state, task, weights, ema, optimizer, store, unsaved } = run;
  const columns = logColumns(task);
  const content = { config: record, state, columns, weights, average: ema?.averages };
  const files = await runFiles({ ...content, moments: optimizer.state() }, { isBest });
  for (const [name, bytes] of [...extra, ...(run.extraFiles?.() ?? [])]) unsaved.set(name, bytes);
  if (isBest) unsaved.set(runFileNames.best, files.get(runFileNames.best)!);
  for (const [name, bytes] of unsaved) files.set(name, bytes);
  await store.commit(files, { epoch: state.epoch, step: state.step, best: state.best });
  unsaved.clear();
}

/** Options of `saveRun`. `extra`: more files of the set. */
export interface SaveOptions {
  isBest?: boolean;
  extra?: ReadonlyMap<string, Uint8Array | string>;
}
