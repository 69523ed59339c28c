// The checkpoint that comes with the package for trainings on images of one's own to begin from.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = 'checkpoints/fractal-vit';

/** The folder of the pre-trained checkpoint that comes with the package; undefined where none does. */
export function shippedStart(): string | undefined {
  // From lib/cli in a checkout, from dist/lib/cli when installed.
  for (const up of ['../../', '../../../']) {
    const place = fileURLToPath(new URL(up + folder, import.meta.url));
    if (existsSync(`${place}/config.json`)) return place;
  }
  return undefined;
}
