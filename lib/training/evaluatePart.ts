// The evaluation of a part of a run's data, with its progress.

import { evaluate } from './evaluate.ts';
import { secondsLeft } from './timeLeft.ts';
import type { Loader } from '../data/loader.ts';
import type { Run } from './run.ts';

/**
 * Evaluates the model of a run as its task measures, and tells the sinks how far it is.
 *
 * @returns undefined when a signal came
 */
export async function evaluatePart(
  run: Run,
  part: 'validation' | 'test',
  loader: Loader,
): Promise<unknown> {
  const { model, task, stop, sinks, times } = run;
  const { precision } = run.config;
  const { length: total } = loader.config.dataset;
  const before = { ...times.evaluating };
  const begin = performance.now();
  const onBatch = (images: number): void => {
    times.evaluating.seconds = before.seconds + (performance.now() - begin) / 1000;
    times.evaluating.images = before.images + images;
    sinks.evaluation({ part, images, total, secondsLeft: secondsLeft(run, images) });
  };
  return evaluate(model, loader, { task, stop, precision, onBatch });
}
