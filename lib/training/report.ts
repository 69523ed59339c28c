// The reports of a run: the log entry of an epoch and the progress of a step.

import type { EpochLog, StepProgress, TestLog } from '../core/runSink.ts';
import type { Run } from './run.ts';
import { metricKey } from './logColumns.ts';
import { rateOfUpdate } from './schedules.ts';
import type { MetricValues } from './task.ts';
import { secondsLeft } from './timeLeft.ts';

/**
 * The log entry of an epoch whose updates are done.
 *
 * @param metrics  the metrics of the evaluation; undefined without one
 * @param seconds  the time of the evaluation
 */
export function epochLog(
  { state, schedule, task }: Run,
  metrics: MetricValues | undefined,
  seconds: number,
): EpochLog {
  const { loss, images } = state.sums;
  const { times } = state;
  return {
    epoch: state.epoch + 1,
    trainLoss: loss / images,
    ...named('train', task.trainMetrics, task.trainingMetrics(state.sums, images)),
    ...named('val', task.evalMetrics, metrics),
    learningRate: rateOfUpdate(schedule, state.epoch, state.step - 1),
    imagesPerSecond: perSecond(times.images, times),
    seconds: times.seconds + seconds,
    dataWait: perSecond(times.waiting, times),
  };
}

/**
 * The test of the best checkpoint, when all epochs are done.
 *
 * @param metrics  the metrics on the test part
 * @param images   the number of its images
 */
export function testLog({ state, task }: Run, metrics: MetricValues, images: number): TestLog {
  const epoch = state.best?.epoch ?? state.epoch;
  const validation = named('val', task.evalMetrics, state.best ?? undefined);
  return { epoch, images, ...validation, ...metrics };
}

/** The state of the running epoch for a progress display. */
export function progressOf(run: Run): StepProgress {
  const { state, schedule, task, epochs, updatesPerEpoch } = run;
  const { loss, images } = state.sums;
  const { times } = state;
  return {
    epoch: state.epoch + 1,
    epochs,
    step: state.update,
    stepsInEpoch: updatesPerEpoch,
    loss: loss / images,
    metrics: task.trainingMetrics(state.sums, images),
    learningRate: rateOfUpdate(schedule, state.epoch, state.step - 1),
    imagesPerSecond: perSecond(times.images, times),
    dataWait: perSecond(times.waiting, times),
    secondsLeft: secondsLeft(run),
  };
}

// An epoch that is resumed after its last update has no time of its own.
function perSecond(amount: number, { seconds }: { seconds: number }): number {
  return seconds > 0 ? amount / seconds : 0;
}

// The key is valTop1 for val and top1; the value is null where there is none.
function named(
  part: 'train' | 'val',
  names: readonly string[],
  values: MetricValues | undefined,
): Record<string, number | null> {
  return Object.fromEntries(names.map((name) => [metricKey(part, name), values?.[name] ?? null]));
}
