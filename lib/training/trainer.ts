// The training loop: updates, epochs, and the end of a run.

import { assertModule } from '../core/module.ts';
import { assertFields } from '../core/kinds.ts';
import { NumericError, VitError, messageOf } from '../core/errors.ts';
import { nextTurn } from '../core/eventLoop.ts';
import type { EpochLog, TestLog } from '../core/runSink.ts';
import { signalExitCodes } from '../core/stop.ts';
import type { StopSignal } from '../core/stop.ts';
import type { Batch } from '../data/batch.ts';
import { prefetch } from '../data/prefetch.ts';
import { earlyStopNote, isStoppedEarly } from './earlyStop.ts';
import { endEpoch } from './endEpoch.ts';
import { evaluateTest } from './evaluateTest.ts';
import type { Evaluation } from './metrics.ts';
import { openRun } from './openRun.ts';
import { loaderOfEpoch } from './progressive.ts';
import { progressOf } from './report.ts';
import { saveRun } from './run.ts';
import type { Run, TrainEnv } from './run.ts';
import { saveOrWait } from './saveOrWait.ts';
import type { BestEpoch } from './runState.ts';
import { combineSinks } from './sinks.ts';
import type { TrainConfig } from './trainConfig.ts';
import { updateModel } from './updateModel.ts';
import { disposeUpdates } from './updates.ts';

/** The reason why a run ended: all epochs are done, `earlyStop` or `maxSteps` was reached, or a signal came. */
export type StopReason = 'finished' | 'earlyStop' | 'maxSteps' | StopSignal;

/**
 * The result of a run.
 *
 * @property exitCode    0; after a signal 128 and its number, as shells expect: 130 after SIGINT, 143 after SIGTERM
 * @property best        the best evaluation so far
 * @property test        the evaluation of the best checkpoint on the test part; null without one, and before all epochs are done
 * @property evaluation  the last evaluation of this call; undefined if there was none
 */
export interface TrainResult<E = Evaluation> {
  reason: StopReason;
  exitCode: 0 | 129 | 130 | 131 | 143;
  epoch: number;
  step: number;
  best: BestEpoch | null;
  test: TestLog | null;
  log: EpochLog[];
  evaluation: E | undefined;
}

/**
 * Trains a model for a task and keeps its run folder.
 *
 * Each update: loss → gradients → clip → optimizer (at the schedule's rate) → moving average. Each epoch: evaluate (the moving
 * average if there is one, else the model) on the validation images, log, save, and save the best. When all epochs are done, the
 * best checkpoint is evaluated once on the test part. A run that is stopped anywhere and resumed gives the same bytes as an
 * uninterrupted one: weights, optimizer state, average and log, except for the times.
 *
 * The files of the folder are replaced as one set, at the start, after each epoch, at a stop, and in between every
 * `checkpointSteps` and `checkpointMinutes`. A save in between that fails is reported, and training goes on; one of an epoch or of
 * the end is tried again for `saveWaitSeconds`, and one of the end that then fails ends the run with its error.
 *
 * @throws InputError for a config, data or weights that cannot be used, and for a continuation that differs
 * @throws CheckpointError if the stored run is damaged
 * @throws NumericError at the first NaN or infinity, naming the tensor and the step; the state before that step is saved
 *
 * @example
 * const result = await train({epochs: 10, batchSize: 128, learningRate: 1e-3},
 *     {model, train: mnist, normalize: MNIST_NORMALIZATION, store: await openFolder('runs/a', {create: true})});
 */
export async function train<E = Evaluation>(
  config: TrainConfig,
  env: TrainEnv<E>,
): Promise<TrainResult<E>> {
  assertFields('env', env, {
    train: 'instance',
    normalize: 'instance',
    sinks: 'list?',
    store: 'instance?',
  });
  assertModule(env.model, ['forward']);
  let run: Run | undefined;
  try {
    run = await openRun(config, env as TrainEnv<unknown>);
    return (await trainEpochs(run)) as TrainResult<E>;
  } catch (error) {
    if (error instanceof NumericError && run !== undefined) await saveBeforeFailing(run);
    throw error;
  } finally {
    if (run !== undefined) disposeUpdates(run);
    await combineSinks(env.sinks ?? []).close();
  }
}

async function trainEpochs(run: Run): Promise<TrainResult<unknown>> {
  const { state, sinks, store } = run;
  let evaluation: unknown;
  let reason: StopReason = 'finished';
  const clock = { lastSave: performance.now() };
  Object.assign(run.times, { start: performance.now(), firstStep: state.step });
  while (!isDone(run)) {
    const stopped = await trainEpoch(run, clock);
    // An epoch whose last update is done is also evaluated when maxSteps ends the run there.
    const complete = state.update >= run.updatesPerEpoch;
    evaluation = complete && signalOf(run) === undefined ? await endEpoch(run) : evaluation;
    if (complete && state.update === 0) clock.lastSave = performance.now();
    const signal = signalOf(run) ?? stopped;
    if (signal === undefined) continue;
    if (!isDone(run)) reason = signal;
    break;
  }
  if (reason === 'finished') {
    if (state.epoch < run.epochs) reason = 'earlyStop';
    if (reason === 'earlyStop' && state.step > run.times.firstStep)
      sinks.message(earlyStopNote(state));
    reason = (await evaluateTest(run)) ?? reason;
    await saveLast(run);
  } else {
    await saveLast(run, { always: true });
    sinks.message(`Stopped (${reason}) at step ${state.step}; saved in ${store.location}.`);
  }
  const exitCode = isSignal(reason) ? signalExitCodes[reason] : 0;
  const { epoch, step, best, test, log } = state;
  return { reason, exitCode, epoch, step, best, test, log, evaluation };
}

// Whether no epoch is left to train.
function isDone({ state, epochs, config }: Run): boolean {
  return state.epoch >= epochs || isStoppedEarly(state, config);
}

function isSignal(reason: StopReason): reason is StopSignal {
  return reason in signalExitCodes;
}

/** When the run was last saved, in ms. */
interface Clock {
  lastSave: number;
}

// Runs the remaining updates of the epoch. Returns the reason if it ended early.
async function trainEpoch(run: Run, clock: Clock): Promise<StopReason | undefined> {
  const { state, config, stages, updatesPerEpoch, sinks } = run;
  const loader = loaderOfEpoch(stages, state.epoch);
  const perUpdate = config.accumulationSteps;
  const batches = prefetch(loader, state.epoch, { from: state.update * perUpdate });
  try {
    while (state.update < updatesPerEpoch) {
      await nextTurn();
      const stopped = stopReason(run);
      if (stopped !== undefined) return stopped;
      const begin = performance.now();
      const count = Math.min(perUpdate, loader.steps - state.update * perUpdate);
      const part = await take(batches, count);
      const ready = performance.now();
      const scalars = await updateModel(run, part);
      state.times.waiting += (ready - begin) / 1000;
      state.times.seconds += (performance.now() - begin) / 1000;
      sinks.scalars(state.step, scalars);
      sinks.step(progressOf(run));
      await saveBetween(run, clock);
    }
  } finally {
    await batches.return(undefined);
  }
  return stopReason(run);
}

async function saveBetween(run: Run, clock: Clock): Promise<void> {
  const { state, config, stop, sinks, store } = run;
  const { checkpointSteps, checkpointMinutes } = config;
  const asked = stop?.takeSaveRequest?.() === true;
  const minutes = (performance.now() - clock.lastSave) / 60_000;
  const due =
    (checkpointSteps !== null && state.step % checkpointSteps === 0) ||
    (checkpointMinutes !== null && minutes >= checkpointMinutes);
  if (!asked && !due) return;
  clock.lastSave = performance.now();
  try {
    await saveRun(run);
    if (asked) sinks.message(`Saved step ${state.step} in ${store.location}.`);
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    sinks.message(`Could not save step ${state.step}, training goes on: ${messageOf(error)}`);
  }
}

// The end of a run whose state is not saved is a failure of the run.
async function saveLast(run: Run, { always = false } = {}): Promise<void> {
  if (!always && run.unsaved.size === 0) return;
  const failure = await saveOrWait(run, `step ${run.state.step}`);
  if (failure !== undefined) throw failure;
}

// The run fails with its own error, even if this fails too.
async function saveBeforeFailing(run: Run): Promise<void> {
  const { state, store, sinks } = run;
  try {
    const failure = await saveOrWait(run, `step ${state.step}`);
    if (failure !== undefined) throw failure;
    sinks.message(`Saved step ${state.step}, the last sound one, in ${store.location}.`);
  } catch (error) {
    sinks.message(`Could not save step ${state.step}: ${messageOf(error)}`);
  }
}

function stopReason(run: Run): StopReason | undefined {
  const { maxSteps } = run.config;
  const reached = maxSteps !== null && run.state.step >= maxSteps;
  return signalOf(run) ?? (reached ? 'maxSteps' : undefined);
}

function signalOf({ stop }: Run): StopSignal | undefined {
  return stop?.signal;
}

async function take(batches: AsyncGenerator<Batch>, count: number): Promise<Batch[]> {
  const part: Batch[] = [];
  while (part.length < count) {
    const next = await batches.next();
    if (next.done === true) break;
    part.push(next.value);
  }
  return part;
}
