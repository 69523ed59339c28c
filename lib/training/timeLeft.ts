// How long a run still takes: its updates, and the evaluations after its epochs and at its end.

import type { Run } from './run.ts';

// An image is evaluated in about a third of the time in which it is trained on: without a backward pass and an update.
const evaluationShare = 1 / 3;

/**
 * The seconds that a run still takes, as far as `maxSteps` lets it. Before the first update they are not known (NaN).
 *
 * @param done  images of the running evaluation that are done already
 */
export function secondsLeft(
  run: Pick<
    Run,
    'state' | 'config' | 'epochs' | 'updatesPerEpoch' | 'loader' | 'validation' | 'test' | 'times'
  >,
  done = 0,
): number {
  const { state, config, epochs, updatesPerEpoch, loader, validation, test, times } = run;
  const total = updatesPerEpoch * epochs;
  const last = Math.min(total, config.maxSteps ?? total);
  const steps = Math.max(0, last - state.step);
  const { seconds, images } = times.evaluating;
  const spent = (performance.now() - times.start) / 1000 - seconds;
  const perStep = spent / (state.step - times.firstStep);
  const perImage =
    images > 0
      ? seconds / images
      : (evaluationShare * perStep * updatesPerEpoch) / imagesOf(loader);
  const evaluations = Math.floor(last / updatesPerEpoch) - state.epoch;
  const evaluated =
    Math.max(0, evaluations) * imagesOf(validation) + (last === total ? imagesOf(test) : 0) - done;
  const updating = steps === 0 ? 0 : steps * perStep;
  return updating + (evaluated > 0 ? evaluated * perImage : 0);
}

function imagesOf(loader: Run['validation']): number {
  return loader?.config.dataset.length ?? 0;
}
