// Finds the folder of a run that is resumed.

import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ioError } from './ioError.ts';

/** The folder of a run that is to go on: the path itself, or the folder that a file is in. @throws IoError if nothing is there */
export async function runFolderOf(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? path : dirname(path);
  } catch (error) {
    throw ioError('go on with the run', path, error);
  }
}
