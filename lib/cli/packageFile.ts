// Files that come with the package.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { IoError } from '../core/errors.ts';

/**
 * The path of a file that ships with the package.
 *
 * @throws IoError if it is not there
 */
export function packageFile(name: string): string {
  // From lib/cli in a checkout, from dist/lib/cli when installed.
  for (const up of ['../../', '../../../']) {
    const file = fileURLToPath(new URL(up + name, import.meta.url));
    if (existsSync(file)) return file;
  }
  throw new IoError(
    `Cannot find ${name} beside the program. Install tfjs-vit again, or give --checkpoint.`,
  );
}
