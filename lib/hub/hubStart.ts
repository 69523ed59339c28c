// Whether weights of the hub can be had just now, asked with little patience.

import { join } from 'node:path';
import { checkpointNames } from '../checkpoints/configFile.ts';
import { pretrainedAddress } from './hubAddress.ts';
import { cachedRepo, isThere, readRef, snapshotFolder } from './hubCache.ts';
import { openConnection } from './hubConnection.ts';
import { HubError, offlineError } from './hubErrors.ts';
import { fileFacts } from './hubFile.ts';
import { hubSettings, type Environment } from './hubSettings.ts';

/**
 * Finds out whether weights are in the cache, or the hub can be reached to download them; nothing is downloaded.
 *
 * @param name       as `snapshotDownload` takes it
 * @param options.timeoutMs  the longest wait for an answer; default 3 s
 * @returns undefined if they can be had, else the error that says why not
 */
export async function whyNotPretrained(
  name: string,
  { env, timeoutMs = 3000 }: { env?: Environment; timeoutMs?: number } = {},
): Promise<HubError | undefined> {
  const address = pretrainedAddress(name);
  const settings = hubSettings(env);
  const cached = cachedRepo(settings.cache, address.repo);
  const commit = await readRef(cached, address.revision);
  if (commit !== undefined) {
    for (const file of checkpointNames) {
      if (await isThere(join(snapshotFolder(cached, commit), file))) return undefined;
    }
  }
  if (settings.offline) return offlineError('the weights', address, settings);
  const connection = await openConnection({ ...settings, timeoutMs }, { attempts: 1 });
  try {
    await fileFacts(connection, address, 'config.json');
    return undefined;
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  } finally {
    await connection.close();
  }
}
