// Contenders of this library run as plain JavaScript, as a user's program does: the loader for TypeScript would add 96 MB to the
// memory that is measured.

import { mkdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..');
const ready = new Map<string, string>();

/** The path of a script of this folder, bundled into one JavaScript file in build/ with its packages external; built once a process. */
export function compiled(script: string): string {
  const known = ready.get(script);
  if (known !== undefined) return known;
  const folder = join(root, 'build');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `bench-${basename(script).replace(/\.\w+$/, '')}.mjs`);
  // Another run may be reading the file, so it is replaced and not overwritten.
  const fresh = `${file}.${process.pid}`;
  buildSync({
    entryPoints: [join(import.meta.dirname, script)],
    outfile: fresh,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  renameSync(fresh, file);
  ready.set(script, file);
  return file;
}
