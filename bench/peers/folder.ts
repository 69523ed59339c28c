// The folder of the peers' packages.

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../lib/node.ts';

/**
 * The folder of a peer's packages: a folder of the user's cache, outside the repository (a venv of PyTorch takes 5.5 GB).
 *
 * `setup.mjs` writes there, `setup.json` last; TFJS_VIT_PEERS names another place.
 */
export function peerFolder(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(process.env['TFJS_VIT_PEERS'] || join(cache, 'tfjs-vit', 'peers'), name);
}

/** The Python interpreter with PyTorch and timm. */
export const pythonOfPeers = (): string => join(peerFolder('pytorch'), 'venv', 'bin', 'python');

/** The same, where it is there. @throws InputError naming the command that installs it */
export function neededPython(): string {
  const python = pythonOfPeers();
  if (existsSync(python)) return python;
  const remedy = 'Run npm run setup:peers -- pytorch.';
  throw new InputError(`Expected timm in ${python}, received nothing. ${remedy}`);
}
