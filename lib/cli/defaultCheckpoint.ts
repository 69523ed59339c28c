// The checkpoint that a command takes where none is given: that of the newest run, else the shipped model.

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkpointNames } from '../checkpoints/configFile.ts';
import { readConfigFile } from '../io/checkpointFile.ts';
import { openFolder } from '../io/folder.ts';
import { runFileNames } from '../training/runFiles.ts';
import { parseStoredData } from './dataset.ts';
import { localCheckpoint } from './localCheckpoint.ts';
import { packageFile } from './packageFile.ts';
import { defaultModel } from './shippedModels.ts';

/** The folder in which `train` makes its run folders. */
export const runsFolder = 'runs';

/**
 * The requirements on a run of a command that was given no checkpoint.
 *
 * @property dataset    the name of the data set that it was trained on; default any
 * @property needsData  true: that of a registered data set, because the command reads its images
 * @property folder     where the runs are; default `runs`
 */
export interface RunChoice {
  dataset?: string | undefined;
  needsData?: boolean;
  folder?: string;
}

/**
 * The checkpoint that was given (`localCheckpoint`); else the newest run, by the time of its last save, or the shipped model where there is no run.
 *
 * A run is a folder in `runs`, or in a folder there, with a config.json and a checkpoint. One that cannot be read counts too: that it
 * is damaged has to be said, rather than an older one taken.
 *
 * @param note  told which was taken and why, where it is not the one that was given
 */
export async function chooseCheckpoint(
  given: string | undefined,
  choice: RunChoice,
  note: (text: string) => void,
): Promise<string> {
  if (given !== undefined) return localCheckpoint(given, note);
  const { folder = runsFolder, dataset } = choice;
  const run = await newestRun(folder, choice);
  const kind = dataset === undefined ? 'run' : `run on ${dataset}`;
  if (run !== undefined) {
    note(`Model: ${run}, the newest ${kind} in ${folder}/. --checkpoint takes another.`);
    return run;
  }
  note(`Model: ${defaultModel.title}, as there is no ${kind} in ${folder}/.`);
  return packageFile(defaultModel.folder);
}

interface Run {
  folder: string;
  saved: number;
}

async function newestRun(folder: string, choice: RunChoice): Promise<string | undefined> {
  const runs = await runsIn(folder, 2);
  // The first by name of equally old ones, so that the answer does not depend on the disk.
  runs.sort((a, b) => b.saved - a.saved || (a.folder < b.folder ? -1 : 1));
  for (const run of runs) if (await isChosen(run.folder, choice)) return run.folder;
  return undefined;
}

async function runsIn(folder: string, levels: number): Promise<Run[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry): Promise<Run[]> => {
      const place = path.join(folder, entry.name);
      if (entry.name.startsWith('.') || !(entry.isDirectory() || entry.isSymbolicLink())) return [];
      const saved = await savedAt(place);
      if (saved !== undefined) return [{ folder: place, saved }];
      return levels > 1 ? runsIn(place, levels - 1) : [];
    }),
  );
  return found.flat();
}

// When a run last saved its weights, in ms; undefined if the folder holds no run.
async function savedAt(folder: string): Promise<number | undefined> {
  const timeOf = (name: string): Promise<number | undefined> =>
    stat(path.join(folder, name)).then(
      (found) => (found.isFile() ? found.mtimeMs : undefined),
      () => undefined,
    );
  if ((await timeOf(runFileNames.config)) === undefined) return undefined;
  const times = await Promise.all(checkpointNames.map(timeOf));
  const last = Math.max(...times.map((time) => time ?? -Infinity));
  return last > -Infinity ? last : undefined;
}

async function isChosen(folder: string, { dataset, needsData }: RunChoice): Promise<boolean> {
  if (dataset === undefined && needsData !== true) return true;
  let record: Record<string, unknown> | undefined;
  try {
    record = await readConfigFile(await openFolder(folder, { readOnly: true }));
  } catch {
    return true;
  }
  try {
    const { data } = parseStoredData(record?.['data']);
    return dataset === undefined || data.dataset === dataset;
  } catch {
    return false;
  }
}
