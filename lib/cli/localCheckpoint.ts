// The checkpoint that a command was given, on this machine: one that lies on the Hugging Face hub is downloaded, with a bar.

import { isHubAddress } from '../hub/hubAddress.ts';
import { checkpointPath } from '../io/checkpointPath.ts';
import { progressBar } from './progressBar.ts';

/**
 * The path of a checkpoint that was asked for: `checkpointPath`, or the folder of the cache for one on the hub (`hf-hub:owner/name`).
 *
 * @param note  told, in a sentence each, which weights are taken and under which licence
 * @throws IoError if they cannot be downloaded
 */
export async function localCheckpoint(
  given: string,
  note: (text: string) => void,
): Promise<string> {
  if (!isHubAddress(given)) return checkpointPath(given, note);
  const { snapshotDownload } = await import('../hub/snapshotDownload.ts');
  const bar = progressBar({ error: note });
  try {
    const { path } = await snapshotDownload(given, {
      onNote: (text) => {
        bar.stop();
        note(text);
      },
      onProgress: ({ file, done, total = done }) => {
        // Small files are there before anybody could read a bar.
        if (total >= 1e6) bar.show(`Downloading ${file}, MB`, megabytes(done), megabytes(total));
      },
    });
    return path;
  } finally {
    bar.stop();
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
