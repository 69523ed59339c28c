// The counters, the best score and the log of a run, and how they are stored.

import { jsonOrUndefined } from '../core/json.ts';
import type { EpochLog, TestLog } from '../core/runSink.ts';
import { isRecord } from '../core/check.ts';
import { CheckpointError, expected } from '../core/errors.ts';

/**
 * The counters and results of a run. With the weights, the optimizer's state and the average they suffice to resume it exactly:
 * everything random is a function of the seed and these counters.
 *
 * @property epoch   epochs finished
 * @property update  updates done in the epoch after those
 * @property step    updates done in all
 * @property sums    sums over the images of the unfinished epoch
 * @property times   times of the unfinished epoch in this process, which are not stored
 * @property best    the best evaluation so far; null before the first
 * @property test    the evaluation of the best checkpoint on the test part; null before the end
 * @property log     an object for each finished epoch
 */
export interface RunState {
  epoch: number;
  update: number;
  step: number;
  sums: EpochSums;
  times: EpochTimes;
  best: BestEpoch | null;
  test: TestLog | null;
  log: EpochLog[];
}

/** The best epoch so far, from 1, and the task's metrics of its evaluation: `{epoch: 7, top1: 0.99, loss: 0.03}`. */
export interface BestEpoch {
  epoch: number;
  [metric: string]: number;
}

/** Sums over the images of an epoch: the loss and the counts of the task, by name. */
export interface EpochSums {
  loss: number;
  images: number;
  [count: string]: number;
}

/** The seconds of an epoch, those spent waiting for data, and the images that were trained on. */
export interface EpochTimes {
  images: number;
  seconds: number;
  waiting: number;
}

/**
 * The times that were measured in this call.
 *
 * @property start       when it began, in ms
 * @property firstStep   at which step
 * @property evaluating  the seconds and images of evaluations so far
 */
export interface RunTimes {
  start: number;
  firstStep: number;
  evaluating: { seconds: number; images: number };
}

/** The state before the first update. */
export function initialState(): RunState {
  return {
    epoch: 0,
    update: 0,
    step: 0,
    sums: emptySums(),
    times: emptyTimes(),
    best: null,
    test: null,
    log: [],
  };
}

/** The sums before the first image. */
export function emptySums(): EpochSums {
  return { loss: 0, images: 0 };
}

/** The times before the first update. */
export function emptyTimes(): EpochTimes {
  return { images: 0, seconds: 0, waiting: 0 };
}

/** A state as JSON text without times, in which float64 numbers are exact. `formatLog` writes the log, which has times. */
export function formatState({ log: _log, times: _times, ...state }: RunState): string {
  return JSON.stringify(state);
}

/** The log of a state as a line of JSON for each epoch. */
export function formatLog({ log }: RunState): string {
  return log.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}

/** Reads the texts of `formatState` and `formatLog`. @throws CheckpointError if they are not a state and its log */
export function parseState(text: string, log: string, name: string): RunState {
  const state = jsonOrUndefined(text);
  const entries = log.split('\n').filter((line) => line !== '');
  const value = isRecord(state)
    ? {
        ...state,
        sums: numbersOf(state['sums']),
        best: numbersOf(state['best']),
        test: state['test'] ?? null,
        times: emptyTimes(),
        log: entries.map(jsonOrUndefined),
      }
    : undefined;
  if (!isState(value)) throw new CheckpointError(expected('the state of a run', name, text));
  return value;
}

// JSON has no NaN: a metric or a count that was none is stored as null.
function numbersOf(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, one ?? NaN]));
}

function isState(value: unknown): value is RunState {
  if (!isRecord(value)) return false;
  const { epoch, update, step, sums, best, test, log } = value;
  return (
    [epoch, update, step].every(isCount) &&
    isRecord(sums) &&
    [sums['loss'], sums['images'], ...Object.values(sums)].every(isNumber) &&
    (best === null ||
      (isRecord(best) && [best['epoch'], ...Object.values(best)].every(isNumber))) &&
    (test === null || (isRecord(test) && [test['epoch'], test['images']].every(isNumber))) &&
    Array.isArray(log) &&
    log.length === epoch &&
    log.every(isRecord)
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
