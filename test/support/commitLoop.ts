// The child of killRounds.ts: commits sets of four files, one version after the other, until it is killed.

import { openFolder } from '../../lib/io/folder.ts';
import { setOfVersion } from './versionedSet.ts';

async function commitForEver(path: string): Promise<void> {
  const store = await openFolder(path, { create: true, lock: true });
  const manifest = await store.manifest();
  let version = Number(manifest?.info.version ?? 0);
  for (;;) {
    version += 1;
    await store.commit(setOfVersion(version), { version });
    process.stdout.write(`${version}\n`);
  }
}

void commitForEver(process.argv[2]!);
