// The end of an epoch: validation, log entry, files.

import { evaluate } from './evaluate.ts';
import type { Evaluation } from './metrics.ts';
import { epochLog, pictures } from './report.ts';
import { saveRun } from './run.ts';
import type { Run } from './run.ts';
import { emptySums, emptyTimes } from './runState.ts';
import { withWeights } from './trainableModel.ts';

/**
 * Evaluates, logs and saves an epoch whose updates are done.
 *
 * @returns the evaluation; undefined without validation data, and when a signal came: the epoch then stays open, and is evaluated
 *   when the run goes on
 */
export async function endEpoch(run: Run): Promise<Evaluation | undefined> {
  const { state, model, ema, validation, stop, sinks } = run;
  const { precision } = run.config;
  const begin = performance.now();
  let evaluation: Evaluation | undefined;
  if (validation !== undefined) {
    const work = () => evaluate(model, validation, { stop, precision });
    evaluation = await (ema === undefined ? work() : withWeights(model, ema.averages, work));
    if (evaluation === undefined) return undefined;
  }
  const entry = epochLog(run, evaluation, (performance.now() - begin) / 1000);
  state.log.push(entry);
  state.epoch += 1;
  // A run that goes on past its end is tested anew at its new end.
  state.test = null;
  state.update = 0;
  state.sums = emptySums();
  state.times = emptyTimes();
  const isBest = evaluation === undefined || isBetter(evaluation, state.best);
  if (evaluation !== undefined && isBest) {
    state.best = { epoch: state.epoch, top1: evaluation.top1, loss: evaluation.loss };
  }
  await saveRun(run, { isBest, extra: await pictures(run, evaluation) });
  sinks.epoch(entry);
  return evaluation;
}

// Comparisons with NaN are false: what is not a number never becomes the best.
function isBetter(
  { top1, loss }: Evaluation,
  best: { top1: number; loss: number } | null,
): boolean {
  if (best === null) return Number.isFinite(loss);
  return top1 > best.top1 || (top1 === best.top1 && loss < best.loss);
}
