// What a run tells about itself: the log entry of an epoch, the progress of a step, the pictures of the folder.

import { confusionMatrix } from '../figures/confusionMatrix.ts';
import { trainingCurves } from '../figures/trainingCurves.ts';
import type { EpochLog, StepProgress } from '../core/runSink.ts';
import type { Evaluation } from './metrics.ts';
import type { Run } from './run.ts';
import { runFileNames } from './runFiles.ts';
import { rateOfUpdate } from './schedules.ts';

/**
 * The log entry of the epoch whose updates are done.
 *
 * @param seconds  what the evaluation took
 */
export function epochLog(
  { state, schedule }: Run,
  evaluation: Evaluation | undefined,
  seconds: number,
): EpochLog {
  const { loss, images, correct } = state.sums;
  const { times } = state;
  return {
    epoch: state.epoch + 1,
    trainLoss: loss / images,
    trainTop1: correct / images,
    valLoss: evaluation?.loss ?? null,
    valTop1: evaluation?.top1 ?? null,
    valTop5: evaluation?.top5 ?? null,
    learningRate: rateOfUpdate(schedule, state.epoch, state.step - 1),
    imagesPerSecond: perSecond(times.images, times),
    seconds: times.seconds + seconds,
    dataWait: perSecond(times.waiting, times),
  };
}

/** The state of the running epoch for a progress display. `clock`: when this call began, in ms, and at which step. */
export function progressOf(
  { state, schedule, config, updatesPerEpoch }: Run,
  clock: { start: number; firstStep: number },
): StepProgress {
  const { loss, images, correct } = state.sums;
  const { times } = state;
  const total = updatesPerEpoch * config.epochs;
  const last = Math.min(total, config.maxSteps ?? total);
  const perStep = (performance.now() - clock.start) / 1000 / (state.step - clock.firstStep);
  return {
    epoch: state.epoch + 1,
    epochs: config.epochs,
    step: state.update,
    stepsInEpoch: updatesPerEpoch,
    loss: loss / images,
    accuracy: correct / images,
    learningRate: rateOfUpdate(schedule, state.epoch, state.step - 1),
    imagesPerSecond: perSecond(times.images, times),
    dataWait: perSecond(times.waiting, times),
    secondsLeft: Math.max(0, last - state.step) * perStep,
  };
}

// An epoch that a run goes on with after its last update has no time of its own.
function perSecond(amount: number, { seconds }: { seconds: number }): number {
  return seconds > 0 ? amount / seconds : 0;
}

/** The pictures of the run folder: the curves so far and, after an evaluation, the confusion matrix. */
export async function pictures(
  { state, loader }: Run,
  evaluation: Evaluation | undefined,
): Promise<Map<string, Uint8Array>> {
  const files = new Map([[runFileNames.curves as string, await trainingCurves(state.log)]]);
  if (evaluation?.confusion != null) {
    const { classNames } = loader.config.dataset;
    const counts = evaluation.confusion.flat();
    files.set(runFileNames.confusion, await confusionMatrix({ counts, classNames }));
  }
  return files;
}

/** The confusion matrix of the test, by its name in the run folder; nothing above 2048 classes. */
export async function testPictures(
  { loader }: Run,
  { confusion }: Evaluation,
): Promise<Map<string, Uint8Array>> {
  if (confusion === null) return new Map();
  const { classNames } = loader.config.dataset;
  const picture = await confusionMatrix({ counts: confusion.flat(), classNames });
  return new Map([[runFileNames.testConfusion, picture]]);
}
