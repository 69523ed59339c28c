// The name of a checkpoint in outputs and pictures.

import path from 'node:path';
import { openFolder } from '../io/folder.ts';
import { runFileNames } from '../training/runFiles.ts';

/**
 * How outputs and pictures name a checkpoint: its path, seen from the working folder, and for one of a run, which epoch it is.
 *
 * @example await checkpointTitle('runs/mnist/best_checkpoint.safetensors')   // "runs/mnist/best_checkpoint.safetensors (best, epoch 7 of 10)"
 */
export async function checkpointTitle(file: string): Promise<string> {
  const epoch = await epochOf(file);
  const inside = path.relative('.', file);
  const shown = inside.startsWith('..') || path.isAbsolute(inside) ? path.resolve(file) : inside;
  return epoch === undefined ? shown : `${shown} (${epoch})`;
}

// The epoch of a run's best or last checkpoint, from its manifest.
async function epochOf(file: string): Promise<string | undefined> {
  const folder = await openFolder(path.dirname(file), { readOnly: true });
  const name = path.basename(file);
  const manifest = await folder.manifest().catch(() => undefined);
  if (manifest?.files.has(name) !== true) return undefined;
  const { epoch: done, best } = manifest.info as {
    epoch?: unknown;
    best?: { epoch?: unknown } | null;
  };
  if (typeof done !== 'number') return undefined;
  if (name === runFileNames.best) {
    const epoch = best?.epoch ?? done;
    return typeof epoch === 'number' ? `best, epoch ${epoch} of ${done}` : undefined;
  }
  return name === runFileNames.weights || name === runFileNames.average
    ? `last, after ${done} epoch${done === 1 ? '' : 's'}`
    : undefined;
}
