// The version of the package.

import { readFileSync } from 'node:fs';

/** The version of this tfjs-vit, `unknown` where its package.json cannot be read. */
export function version(): string {
  // From lib/cli and from dist/lib/cli.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as { name?: string; version?: string };
      if (name === 'tfjs-vit' && version !== undefined) return version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}
