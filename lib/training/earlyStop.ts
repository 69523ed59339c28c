// Early stopping: the end of a run whose evaluations no longer get better.

import { InputError } from '../core/errors.ts';
import type { Run } from './run.ts';
import type { RunState } from './runState.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/** The options of a config that decide on an early end. */
export type EarlyStopConfig = Pick<FullTrainConfig, 'earlyStop' | 'minEpochs'>;

/**
 * Whether a run ends here, because `earlyStop` epochs went by without one that the task calls better, and `minEpochs` are done.
 *
 * The answer depends on stored numbers alone, so a resumed run ends where an uninterrupted one does.
 */
export function isStoppedEarly(
  { epoch, update, best }: Pick<RunState, 'epoch' | 'update' | 'best'>,
  { earlyStop, minEpochs }: EarlyStopConfig,
): boolean {
  if (earlyStop === null || update > 0 || epoch < (minEpochs ?? 0)) return false;
  return epoch - (best?.epoch ?? 0) >= earlyStop;
}

/** The sentence that says why a run ended early. */
export function earlyStopNote({ epoch, best }: Pick<RunState, 'epoch' | 'best'>): string {
  const since = epoch - (best?.epoch ?? 0);
  const than = best === null ? '' : ` than epoch ${best.epoch}`;
  return `Stopped early after epoch ${epoch}: none of the last ${since} was better${than}. A larger earlyStop (--early-stop) goes on.`;
}

/**
 * Refuses early stopping without images to evaluate on.
 *
 * @throws InputError saying what to do
 */
export function assertCanStopEarly(
  { earlyStop }: EarlyStopConfig,
  validation: Run['validation'],
): void {
  if (earlyStop === null || validation !== undefined) return;
  const remedy = 'Hold images out (valSplit, --val-split 0.1), or leave it out.';
  throw new InputError(
    `Expected validation images for earlyStop ${earlyStop}, received none. ${remedy}`,
  );
}
