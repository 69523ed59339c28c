import type { EpochLog } from '../core/runSink.ts';
import { CheckpointError, expected } from '../core/errors.ts';

/**
 * Where a run is: with the weights, the optimizer's state and the average, all that going on exactly needs. Everything random
 * is a function of the seed and these counters.
 *
 * @property epoch   epochs finished
 * @property update  updates done in the epoch after those
 * @property step    updates done in all
 * @property sums    over the images of the unfinished epoch
 * @property best    the best evaluation so far; null before the first
 * @property log     an object for each finished epoch
 */
export interface RunState {
  epoch: number;
  update: number;
  step: number;
  sums: EpochSums;
  best: { epoch: number; top1: number; loss: number } | null;
  log: EpochLog[];
}

/** Sums over an epoch; times in seconds. */
export interface EpochSums {
  loss: number;
  images: number;
  correct: number;
  seconds: number;
  waiting: number;
}

/** The state before the first update. */
export function initialState(): RunState {
  return { epoch: 0, update: 0, step: 0, sums: emptySums(), best: null, log: [] };
}

/** Sums over nothing. */
export function emptySums(): EpochSums {
  return { loss: 0, images: 0, correct: 0, seconds: 0, waiting: 0 };
}

/** A state as JSON text; doubles survive exactly. */
export function formatState(state: RunState): string {
  return JSON.stringify(state);
}

/** Reads `formatState`'s text. @throws CheckpointError if it is not one */
export function parseState(text: string, name: string): RunState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isState(value)) throw new CheckpointError(expected('the state of a run', name, text));
  return value;
}

function isState(value: unknown): value is RunState {
  if (!isRecord(value)) return false;
  const { epoch, update, step, sums, best, log } = value;
  return (
    [epoch, update, step].every(isCount) &&
    isRecord(sums) &&
    Object.keys(emptySums()).every((key) => typeof sums[key] === 'number') &&
    (best === null || (isRecord(best) && typeof best['top1'] === 'number')) &&
    Array.isArray(log) &&
    log.length === epoch
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
