// The experiment of a stored run.

import { InputError, expected } from '../core/errors.ts';

// The keys that are derived from the experiment and made anew.
const derivedKeys = ['classNames', 'imageShape', 'normalize', 'preprocessing', 'fingerprints'];

/**
 * The experiment of a run folder's config.json, to be gone on with: how long is asked anew.
 *
 * @param options.what, options.flag  how an error calls the run, and what names its folder
 * @throws InputError if the folder holds no run
 */
export async function storedExperiment(
  folder: string,
  { what = 'a run to go on with', flag = '--resume' } = {},
): Promise<Record<string, unknown>> {
  const { openFolder } = await import('../io/folder.ts');
  const { readConfigFile } = await import('../io/checkpointFile.ts');
  const record = await readConfigFile(await openFolder(folder, { readOnly: true }));
  if (record === undefined) {
    const remedy = 'Give the folder of a run.';
    throw new InputError(expected(what, flag, folder, remedy));
  }
  for (const key of derivedKeys) delete record[key];
  const { name, ...data } = (record['data'] ?? {}) as Record<string, unknown>;
  return { ...record, name, data, maxSteps: null, valSplit: record['valSplit'] ?? null };
}
