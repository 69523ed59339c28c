// Snapshots of a run: a file about the weights before the first epoch and after every so many.

import { messageOf } from '../core/errors.ts';
import type { Run } from './run.ts';
import { withWeights } from './trainableModel.ts';

const pattern = /^snapshot-(\d{4,9})\.json$/;

/** The name of the snapshot after an epoch in a run folder: `snapshot-0003.json`; 0 is before the first. */
export function snapshotName(epoch: number): string {
  return `snapshot-${String(epoch).padStart(4, '0')}.json`;
}

/** The epoch of a snapshot by the name of its file; undefined for another file. */
export function snapshotEpoch(name: string): number | undefined {
  const found = pattern.exec(name);
  return found === null ? undefined : Number(found[1]);
}

/**
 * The snapshot of the present epoch, if one is due: at the start, after every `snapshots` epochs, and after the last.
 *
 * It is of the weights that are evaluated, the average if there is one. A snapshot that cannot be made is reported, and the run goes on.
 */
export async function snapshotFiles(run: Run): Promise<Map<string, string>> {
  const { config, state, epochs, ema, model, sinks, snapshot } = run;
  const { snapshots: every, deitCompat } = config;
  const { epoch } = state;
  const files = new Map<string, string>();
  if (snapshot === undefined || every === null) return files;
  if (epoch % every !== 0 && epoch !== epochs) return files;
  const work = () => snapshot(epoch);
  try {
    const text = await (ema === undefined || deitCompat
      ? work()
      : withWeights(model, ema.averages, work));
    files.set(snapshotName(epoch), text);
  } catch (error) {
    sinks.message(`Could not make the snapshot of epoch ${epoch}: ${messageOf(error)}`);
  }
  return files;
}
