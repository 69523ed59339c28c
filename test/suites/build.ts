// The command line as users get it: dist/, built once for a suite.

import { spawnSync } from 'node:child_process';
import { root } from './command.ts';

/** Emits dist/. @throws Error if the sources do not compile */
export function buildCommand(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('npm run build failed.');
}
