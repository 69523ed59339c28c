// The end of an epoch: validation, log entry, files, and then the figures.

import { drawFigures } from './drawFigures.ts';
import { evaluatePart } from './evaluatePart.ts';
import { epochLog } from './report.ts';
import { saveOrWait } from './saveOrWait.ts';
import type { Run } from './run.ts';
import { emptySums, emptyTimes } from './runState.ts';
import { snapshotFiles } from './snapshots.ts';
import { withWeights } from './trainableModel.ts';

/**
 * Evaluates, logs and saves an epoch whose updates are done, and draws the run's figures.
 *
 * The figures come last, so that one that cannot be drawn does not cost the epoch.
 *
 * @returns the evaluation; undefined without validation data, and when a signal came: the epoch then stays open, and is evaluated
 *   when the run goes on
 */
export async function endEpoch(run: Run): Promise<unknown> {
  const { state, task, model, ema, validation, sinks } = run;
  const begin = performance.now();
  let evaluation: unknown;
  if (validation !== undefined) {
    const work = () => evaluatePart(run, 'validation', validation);
    const { deitCompat } = run.config;
    evaluation = await (ema === undefined || deitCompat
      ? work()
      : withWeights(model, ema.averages, work));
    if (evaluation === undefined) return undefined;
  }
  const metrics = evaluation === undefined ? undefined : task.metrics(evaluation);
  const entry = epochLog(run, metrics, (performance.now() - begin) / 1000);
  state.log.push(entry);
  state.epoch += 1;
  // A run that is extended is tested again at its new end.
  state.test = null;
  state.update = 0;
  state.sums = emptySums();
  state.times = emptyTimes();
  const better = metrics !== undefined && task.isBetter(metrics, state.best);
  // Without validation data, and until an epoch was chosen, the last one counts as the best.
  if (metrics === undefined) state.best = null;
  else if (better) state.best = { epoch: state.epoch, ...metrics };
  const isBest = better || state.best === null;
  const extra = await snapshotFiles(run);
  const failure = await saveOrWait(run, `epoch ${state.epoch}`, { isBest, extra });
  if (failure !== undefined) {
    sinks.message(
      `Epoch ${state.epoch} is not saved yet; training goes on, and the next save has it.`,
    );
  }
  sinks.epoch(entry);
  await drawFigures(run, 'validation', evaluation);
  return evaluation;
}
