// The figures of a run folder: training curves and confusion matrices.

import { assertFields } from '../core/kinds.ts';
import type { EpochLog } from '../core/runSink.ts';
import { confusionMatrix } from './confusionMatrix.ts';
import { bestEpoch, trainingCurves } from './trainingCurves.ts';

/**
 * The content of the figures of a run.
 *
 * @property part        the part of the data that was evaluated: validation after an epoch, test at the end
 * @property log         the finished epochs
 * @property evaluation  of the last epoch, or of the test; `confusion[actual][predicted]` counts images, null draws none
 * @property classNames  names of the classes, in order
 * @property smoothing   ε of label smoothing; default 0
 */
export interface RunFiguresView {
  part: 'validation' | 'test';
  log: readonly EpochLog[];
  evaluation: { confusion: readonly (readonly number[])[] | null } | undefined;
  classNames: readonly string[];
  smoothing?: number;
}

/**
 * Draws the `figures` of a classifier's `train`: `curves.png` and, after an evaluation with a confusion matrix, `confusion.png`; after
 * the test `test_confusion.png`.
 *
 * @returns PNG files by name
 * @throws UnsupportedError where resvg cannot be loaded, as in a browser
 *
 * @example await train(config, {...env, figures: runFigures});
 */
export async function runFigures(view: RunFiguresView): Promise<Map<string, Uint8Array>> {
  assertFields('the view of a run', view, { part: 'text', log: 'list', classNames: 'list' });
  const { part, log, evaluation, classNames, smoothing = 0 } = view;
  const files = new Map<string, Uint8Array>();
  if (part === 'validation')
    files.set(
      'curves.png',
      await trainingCurves(log, { numClasses: classNames.length, smoothing }),
    );
  if (evaluation != null && evaluation.confusion !== null) {
    const counts = evaluation.confusion.flat();
    const name = part === 'test' ? 'test_confusion.png' : 'confusion.png';
    const epoch = part === 'test' ? (bestEpoch(log) ?? log.at(-1))?.epoch : log.at(-1)?.epoch;
    const which = `${part === 'test' ? 'best' : 'last'} epoch${epoch === undefined ? '' : ` (${epoch})`}`;
    const title = `Confusion matrix of the ${part} images, ${which}`;
    files.set(name, await confusionMatrix({ counts, classNames, title }));
  }
  return files;
}
