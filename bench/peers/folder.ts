// The folder of the peers' packages.

import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder of a peer's packages: a folder of the user's cache, outside the repository (a venv of PyTorch takes 5.5 GB).
 *
 * `setup.mjs` writes there, `setup.json` last; TFJS_VIT_PEERS names another place.
 */
export function peerFolder(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(process.env['TFJS_VIT_PEERS'] || join(cache, 'tfjs-vit', 'peers'), name);
}
