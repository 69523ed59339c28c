// A temporary folder for the files of a work.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `body` with an empty folder, and removes it when `body` ends or when SIGINT or SIGTERM ends the process. */
export async function inScratchFolder<T>(
  prefix: string,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  const stop = (): void => {
    clear();
    process.exit(130);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await body(folder);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    clear();
  }
}
