// The beginning of a run in its folder: the place is checked, and the first complete set of files is written.

import { InputError, expected } from '../core/errors.ts';
import type { FileStore } from '../core/store.ts';
import { saveRun } from './run.ts';
import type { Run, TrainEnv } from './run.ts';
import { runFileNames } from './runFiles.ts';
import { snapshotEpoch, snapshotFiles } from './snapshots.ts';

/**
 * Refuses a place that holds another run, or files of another kind under the names of a run.
 *
 * @throws InputError naming the place and what to do
 */
export async function assertPlace({
  store,
  resume,
  overwrite = false,
}: Pick<TrainEnv, 'store' | 'resume' | 'overwrite'>): Promise<void> {
  if (isSame(store, resume)) return;
  if (await store.has(runFileNames.state)) {
    if (overwrite) return;
    const remedy =
      'Go on with it (resume), begin anew in its place (overwrite: true), or choose another place.';
    throw new InputError(expected('a place without a run', 'the run', store.location, remedy));
  }
  const name = await foreignFile(store);
  if (name === undefined) return;
  const remedy = `It holds ${name}, which belongs to no run. Choose another place.`;
  throw new InputError(expected('a place without a model', 'the run', store.location, remedy));
}

// A file that a run would overwrite, or that would be taken for the run's own.
async function foreignFile(store: FileStore): Promise<string | undefined> {
  for (const name of [...Object.values(runFileNames), 'model.safetensors']) {
    if (await store.has(name)) return name;
  }
  return undefined;
}

/**
 * Writes the first complete set of files, so that the run can be resumed from any moment on, and tells the sinks that it begins.
 *
 * A run that is replaced leaves no file. A run that goes on in its own folder has a complete set there already.
 */
export async function writeFirst(run: Run, resume: FileStore | undefined): Promise<void> {
  const { store, state, sinks } = run;
  const replaced = !isSame(store, resume) && (await store.has(runFileNames.state));
  if (replaced) sinks.message(`Replacing the run in ${store.location}.`);
  const stale = replaced ? await namesIn(store) : [];
  const extra = resume === undefined ? await snapshotFiles(run) : new Map<string, string>();
  if (resume === undefined) await saveRun(run, { isBest: true, extra });
  else if (!isSame(store, resume)) await saveRun(run, { extra: await resultsOf(run, resume) });
  if (replaced) await removeStale(run, stale, extra);
  sinks.begin({ epoch: state.epoch, step: state.step, resumed: resume !== undefined, replaced });
}

function isSame(store: FileStore, resume: FileStore | undefined): boolean {
  return resume !== undefined && (resume === store || resume.location === store.location);
}

// The files of a stored run that are no part of its state.
async function resultsOf({ state }: Run, resume: FileStore): Promise<Map<string, Uint8Array>> {
  const kept = ((await resume.names?.()) ?? []).filter(
    (name) => (snapshotEpoch(name) ?? Infinity) <= state.epoch,
  );
  const names = [runFileNames.best, ...(state.test === null ? [] : [runFileNames.test]), ...kept];
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    files.set(name, await (resume.readChecked?.(name) ?? resume.read(name)));
  }
  return files;
}

async function namesIn(store: FileStore): Promise<string[]> {
  const listed = (await store.names?.()) ?? [];
  return [...new Set([...listed, ...Object.values(runFileNames)])];
}

async function removeStale(
  { store, ema, state, extraFiles }: Run,
  names: readonly string[],
  extra: ReadonlyMap<string, string>,
): Promise<void> {
  const { average, test, ...always } = runFileNames;
  const own = new Set<string>([
    ...Object.values(always),
    ...(extraFiles?.().keys() ?? []),
    ...extra.keys(),
  ]);
  if (ema !== undefined) own.add(average);
  if (state.test !== null) own.add(test);
  for (const name of names) if (!own.has(name)) await store.remove?.(name);
}
