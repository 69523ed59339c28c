// The interface through which a run reports its progress and results.

/**
 * One object of `log.jsonl`: an epoch in numbers.
 *
 * Beside these fields it has `train<Metric>` and `val<Metric>` for each metric of the task: a classifier's are `trainTop1`, `valLoss`,
 * `valTop1` and `valTop5`; null when nothing was evaluated.
 */
export interface EpochLog {
  /** From 1. */
  epoch: number;
  /** Image-weighted mean of the optimised loss. */
  trainLoss: number;
  /** Plain cross-entropy of the evaluated model; null when nothing was evaluated. */
  valLoss?: number | null;
  /** Fraction, 0 … 1, of the evaluated model. */
  valTop1?: number | null;
  valTop5?: number | null;
  learningRate: number;
  imagesPerSecond: number;
  seconds: number;
  [extra: string]: unknown;
}

/**
 * The one evaluation on the test part, after the last epoch.
 *
 * Beside these fields it has each metric of the task, and `val<Metric>` with its value on the validation images, null where nothing
 * is held out: a classifier's are `loss`, `top1`, `top5`, `valLoss`, `valTop1` and `valTop5`.
 */
export interface TestLog {
  /** The epoch whose weights were evaluated, from 1: the best on validation, or the last where nothing is held out. */
  epoch: number;
  /** How many were evaluated. */
  images: number;
  [metric: string]: number | null;
}

/** The state of a running epoch, as a progress display needs it. */
export interface StepProgress {
  epoch: number;
  epochs: number;
  /** Updates done in this epoch, of `stepsInEpoch`. */
  step: number;
  stepsInEpoch: number;
  /** Mean over the epoch so far. */
  loss: number;
  /** The task's training metrics over the epoch so far: `{top1: 0.93}`. */
  metrics: Readonly<Record<string, number>>;
  learningRate: number;
  imagesPerSecond: number;
  /** Share of the time that was spent waiting for data, 0 … 1. */
  dataWait: number;
  /** The time of the rest of the run, with its evaluations. */
  secondsLeft: number;
}

/**
 * The beginning of a run in its folder.
 *
 * @property epoch     epochs finished before
 * @property step      updates done before; what was reported of later ones is void
 * @property resumed   true: the run goes on from a stored one
 * @property replaced  true: another run was in the folder, and is gone
 */
export interface RunStart {
  epoch: number;
  step: number;
  resumed: boolean;
  replaced: boolean;
}

/** The state of a running evaluation: on the validation images after an epoch, on those of the test at the end. */
export interface EvaluationProgress {
  part: 'validation' | 'test';
  /** Images done, of `total`. */
  images: number;
  total: number;
  /** The time of the rest of the run. */
  secondsLeft: number;
}

/** A receiver of the events of a run: a progress bar, TensorBoard, a test's list. Every method is optional. */
export interface RunSink {
  /** The run begins, or goes on, once its first files are there. */
  begin?(start: RunStart): void;
  /** One line for a person. */
  message?(text: string): void;
  step?(progress: StepProgress): void;
  /** One scalar of a training update; `step` counts updates from 1. */
  scalars?(step: number, values: Readonly<Record<string, number>>): void;
  /** A batch of an evaluation is done. */
  evaluation?(progress: EvaluationProgress): void;
  epoch?(log: EpochLog): void;
  /** The best checkpoint was evaluated on the test part; `epochs`: how many the run has. */
  test?(log: TestLog, epochs: number): void;
  /** The run ends, by itself or by an error. */
  close?(): void | Promise<void>;
}
