// Draws the figures of a run by the injected producer and writes them into the run folder.

import { InputError, expected, messageOf } from '../core/errors.ts';
import type { Run } from './run.ts';
import { runFileNames } from './runFiles.ts';

/**
 * Draws and writes the figures of an evaluation, which is saved already. A failure is reported to the sinks, and the run goes on.
 *
 * @param part  the part of the data that was evaluated
 */
export async function drawFigures(
  { config, figures, state, loader, store, sinks }: Run,
  part: 'validation' | 'test',
  evaluation: unknown,
): Promise<void> {
  if (figures === undefined) return;
  try {
    const { classNames } = loader.config.dataset;
    const { smoothing } = config;
    const files = await figures({ part, log: state.log, evaluation, classNames, smoothing });
    const taken = Object.values(runFileNames).find((name) => files.has(name));
    if (taken !== undefined) throw new InputError(expected('another name', 'a figure', taken));
    await store.commit(files, { epoch: state.epoch, step: state.step, best: state.best });
  } catch (error) {
    const what = part === 'test' ? 'the test' : `epoch ${state.epoch}`;
    sinks.message(`Could not draw the figures of ${what}: ${messageOf(error)}`);
  }
}
