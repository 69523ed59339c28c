// Saves of what must not be lost: an epoch, and the end of a run. They wait for a place that refuses them for a while.

import { IoError, messageOf } from '../core/errors.ts';
import { saveRun } from './run.ts';
import type { Run, SaveOptions } from './run.ts';

const longestMs = 8000;

/**
 * Saves, and tries again while the place refuses (a disk that is full for a moment), up to `saveWaitSeconds`; says so once.
 *
 * @param what  how a message calls what is saved: `epoch 3`
 * @returns undefined, or the error when the time is over. What could not be saved is kept for the next save
 */
export async function saveOrWait(
  run: Run,
  what: string,
  options: SaveOptions = {},
): Promise<IoError | undefined> {
  const { sinks, saveWaitSeconds, stop } = run;
  const asked = stop?.signal;
  const end = performance.now() + 1000 * saveWaitSeconds;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await saveRun(run, options);
      if (attempt > 0) sinks.message(`Saved ${what} in ${run.store.location}.`);
      return undefined;
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      const left = end - performance.now();
      // A signal that comes meanwhile ends the wait: the last save of the run has its own.
      if (left <= 0 || stop?.signal !== asked) return error;
      if (attempt === 0) {
        sinks.message(
          `Could not save ${what}: ${messageOf(error)} It is tried again for ${saveWaitSeconds} s: free some space, or see to the folder.`,
        );
      }
      await sleep(Math.min(left, longestMs, 250 * 2 ** attempt));
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
