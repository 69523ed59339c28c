// The one evaluation on the test part, when all epochs of a run are done.

import { loadModelTensors } from '../checkpoints/modelState.ts';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import type { StopSignal } from '../core/stop.ts';
import { drawFigures } from './drawFigures.ts';
import { evaluatePart } from './evaluatePart.ts';
import { testLog } from './report.ts';
import type { Run } from './run.ts';
import { runFileNames } from './runFiles.ts';
import { saveOrWait } from './saveOrWait.ts';
import { withWeights } from './trainableModel.ts';

/**
 * Evaluates the best checkpoint of a finished run on its test part, saves the result and tells the sinks.
 *
 * The model keeps its own weights. Nothing happens without a test part, and where the result is there already.
 *
 * @returns the signal that ended the evaluation, which is then repeated when the run is resumed
 */
export async function evaluateTest(run: Run): Promise<StopSignal | undefined> {
  const { state, task, model, test, store, stop, sinks } = run;
  if (test === undefined || state.test !== null) return undefined;
  const { best: name } = runFileNames;
  await saveBest(run);
  const bytes = await (store.readChecked?.(name) ?? store.read(name));
  const { tensors } = parseSafetensors(bytes, `${store.location}/${name}`);
  const result = await withWeights(model, new Map(), () => {
    loadModelTensors(model, tensors);
    return evaluatePart(run, 'test', test);
  });
  if (result === undefined) {
    sinks.message(`Stopped (${stop!.signal}) before the end of the test; go on to make up for it.`);
    return stop!.signal;
  }
  const { length: images } = test.config.dataset;
  state.test = testLog(run, task.metrics(result), images);
  const report = { epochs: state.epoch, ...state.test, ...(result as object) };
  const failure = await saveOrWait(run, 'the test', {
    extra: new Map([[runFileNames.test, `${JSON.stringify(report, null, 2)}\n`]]),
  });
  sinks.test(state.test, state.epoch);
  if (failure !== undefined) throw failure;
  await drawFigures(run, 'test', result);
  return undefined;
}

// The best weights of an epoch whose save failed are to be there before they are read.
async function saveBest(run: Run): Promise<void> {
  if (run.unsaved.size === 0) return;
  const failure = await saveOrWait(run, 'the best epoch');
  if (failure !== undefined) throw failure;
}
