// Finds the packages of backends that our install leaves out, in `.backends` and in the project of the user.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { UnsupportedError } from '../core/errors.ts';

/** A folder with packages that our install leaves out, and a `require` that starts there. */
export interface PackageFolder {
  folder: string;
  require: NodeJS.Require;
}

/**
 * The folder into which `npm run setup:<backend>` installed: `.backends/<backend>` of the working directory, or of the package that
 * this file belongs to.
 *
 * @param marker  a file in it that the setup writes last
 * @returns undefined when it is in neither
 */
export function findSetup(backend: string, marker: string): PackageFolder | undefined {
  const roots = [
    process.cwd(),
    path.resolve(import.meta.dirname, '../..'),
    path.resolve(import.meta.dirname, '../../..'),
  ];
  for (const root of roots) {
    const folder = path.join(root, '.backends', backend);
    if (fs.existsSync(path.join(folder, marker))) {
      return { folder, require: createRequire(path.join(folder, 'package.json')) };
    }
  }
  return undefined;
}

/** The optional peer packages that the project at the working directory has installed, of the given names, in that order. */
export function findPeer(
  names: readonly string[],
): { name: string; require: NodeJS.Require } | undefined {
  for (const from of [path.resolve('package.json'), import.meta.filename]) {
    const require = createRequire(from);
    for (const name of names) {
      try {
        require.resolve(name);
        return { name, require };
      } catch {
        // The next name, or the next place.
      }
    }
  }
  return undefined;
}

/** The error of a backend that is not set up: what it is, and the command that sets it up. */
export function notSetUp(backend: string, what: string): UnsupportedError {
  return new UnsupportedError(
    `The backend ${backend} is not set up: ${what} is not installed. Run \`npm run setup:${backend}\`, or use --backend auto.`,
  );
}
