// The run folder of a training, checked before anything is loaded.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError, show } from '../core/errors.ts';
import { openFolder } from '../io/folder.ts';
import { runFileNames } from '../training/runFiles.ts';
import { commandLine } from './invocation.ts';

/**
 * Refuses a run folder that holds a run already, with the ways on.
 *
 * @param resumed    the folder of the run that is gone on with
 * @param overwrite  true: a run may be replaced
 * @throws InputError naming the folder, how far its run came, and the commands that go on
 */
export async function assertRunPlace(
  outputDir: string,
  { resumed, overwrite }: { resumed: string | undefined; overwrite: boolean },
): Promise<void> {
  const isResumed = resumed !== undefined && path.resolve(resumed) === path.resolve(outputDir);
  if (isResumed && overwrite) {
    throw new InputError(
      `Expected no --overwrite, because the run in ${show(outputDir)} is the one to go on with. Leave one of --resume and --overwrite out.`,
    );
  }
  if (isResumed || overwrite || !existsSync(outputDir)) return;
  const store = await openFolder(outputDir, { readOnly: true });
  if (!(await store.has(runFileNames.state))) return;
  const { info = {} } = (await store.manifest().catch(() => undefined)) ?? {};
  const { epoch } = info;
  const far = typeof epoch === 'number' ? ` (${epoch} epoch${epoch === 1 ? '' : 's'} done)` : '';
  throw new InputError(
    `Expected a folder without a run for --output-dir, received ${show(outputDir)}, which holds a run${far}. ` +
      `Go on with it: ${commandLine('train', '--resume', outputDir)}. ` +
      'Begin anew in its place: add --overwrite. Keep both: give another --output-dir.',
  );
}
