/**
 * A place for the files of one run, by plain name: a folder on a disk, or a map in a test or a browser.
 *
 * Every write is whole or not at all: a reader sees the old file or the new one, whatever moment the process dies.
 */
export interface FileStore {
  /** How errors and messages call the place, for example its path. */
  readonly location: string;
  /** The bytes of a file. @throws IoError if it is not there or cannot be read */
  read(name: string): Promise<Uint8Array>;
  /**
   * The bytes of a file of the last commit, checked against the manifest; a store without one reads as `read` does.
   *
   * @throws CheckpointError if the file is missing, not listed, or differs
   */
  readChecked?(name: string): Promise<Uint8Array>;
  /** Whether the file is there. */
  has(name: string): Promise<boolean>;
  /** Replaces one file. */
  write(name: string, bytes: Uint8Array | string): Promise<void>;
  /**
   * Replaces several files as one: after a crash at any moment either all are the new ones or all the old.
   * `manifest.json` with the SHA-256 and size of every file of the set, and `info`, is written last.
   */
  commit(
    files: ReadonlyMap<string, Uint8Array | string>,
    info: Record<string, unknown>,
  ): Promise<void>;
}

/** One object of `log.jsonl`: what an epoch brought. */
export interface EpochLog {
  /** From 1. */
  epoch: number;
  /** Image-weighted mean of the optimised loss. */
  trainLoss: number;
  /** Plain cross-entropy of the evaluated model; null when nothing was evaluated. */
  valLoss: number | null;
  /** Fraction, 0 … 1, of the evaluated model. */
  valTop1: number | null;
  valTop5: number | null;
  learningRate: number;
  imagesPerSecond: number;
  seconds: number;
  [extra: string]: unknown;
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
  /** Training top-1 over the epoch so far, 0 … 1. */
  accuracy: number;
  learningRate: number;
  imagesPerSecond: number;
  /** Share of the time that was spent waiting for data, 0 … 1. */
  dataWait: number;
  secondsLeft: number;
}

/** Where a run tells what it does: a progress bar, TensorBoard, a test's list. Every method is optional. */
export interface RunSink {
  /** One line for a person. */
  message?(text: string): void;
  step?(progress: StepProgress): void;
  /** One scalar of a training update; `step` counts updates from 1. */
  scalars?(step: number, values: Readonly<Record<string, number>>): void;
  epoch?(log: EpochLog): void;
  /** The run ends, by itself or by an error. */
  close?(): void | Promise<void>;
}
