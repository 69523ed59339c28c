// The categories that a search found, kept in the user's cache so that the next start does not search again.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRecord } from '../core/check.ts';
import { messageOf } from '../core/errors.ts';
import { searchRules } from '../fractal/candidates.ts';
import { ifsOf, rowsOf, type Ifs } from '../fractal/ifs.ts';
import { makeFolder, readBytes, writeAtomically } from '../io/disk.ts';
import { sha256 } from '../io/hash.ts';
import { searchCategories, type SearchOptions } from './search.ts';
import type { FractalWorkers } from './workers.ts';

/** The file of the categories in the folder of the cache. */
export const cacheFileName = 'fractaldb-categories.json';

// 100,000 categories have 80 MB.
const maxCacheBytes = 2 ** 28;

/**
 * The folder for what can be computed again: that of XDG_CACHE_HOME, else ~/.cache; on Windows LOCALAPPDATA.
 *
 * Source: the XDG base directory specification, which wants absolute paths alone.
 */
export function userCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = process.platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_CACHE_HOME'];
  const base = given !== undefined && /^([/\\]|[a-z]:)/i.test(given) ? given : undefined;
  return join(base ?? join(homedir(), '.cache'), 'tfjs-vit');
}

/**
 * The receivers of the search for categories, and its cache.
 *
 * @property cache   the folder of the cache; default: nothing is kept
 * @property onNote  told, in a sentence each, that a search begins, how far it is, and where its result is kept
 */
export interface CachedSearchOptions extends SearchOptions {
  cache?: string | undefined;
  onNote?: ((text: string) => void) | undefined;
}

/**
 * The first `count` categories: those of the cache if it has as many, else of a search, whose result takes its place.
 *
 * A file that is damaged, of another search, or cannot be read counts as none; one that cannot be written is told.
 *
 * @returns fewer only if the search was stopped
 */
export async function cachedCategories(
  count: number,
  workers: FractalWorkers,
  { cache, onNote = () => undefined, onProgress, stop }: CachedSearchOptions = {},
): Promise<Ifs[]> {
  const file = cache === undefined ? undefined : join(cache, cacheFileName);
  const known = file === undefined ? [] : await readCache(file);
  if (known.length >= count) return known.slice(0, count);
  onNote(`Searching the ${count} categories of FractalDB, which takes 0.02 to 0.1 s each.`);
  let quarter = 1;
  const found = await searchCategories(count, workers, {
    stop,
    onProgress: (done, total) => {
      onProgress?.(done, total);
      if (done < total && 4 * done >= quarter * total) onNote(`${done} of ${total} are found.`);
      quarter = Math.max(quarter, Math.floor((4 * done) / total) + 1);
    },
  });
  const systems = found.map(({ ifs }) => ifs);
  if (file === undefined || systems.length < count) return systems;
  try {
    await makeFolder(cache!);
    await writeAtomically(file, formatCache(systems));
    onNote(`The categories are kept for the next time: ${file}`);
  } catch (error) {
    onNote(`The categories cannot be kept for the next time: ${messageOf(error)}`);
  }
  return systems;
}

function formatCache(systems: readonly Ifs[]): string {
  const content = JSON.stringify(systems.map(rowsOf));
  const hash = sha256(content);
  return `${JSON.stringify({ search: searchRules, sha256: hash })}\n${content}\n`;
}

async function readCache(file: string): Promise<Ifs[]> {
  try {
    const bytes = await readBytes(file, { maxBytes: maxCacheBytes });
    const [head = '', content = ''] = new TextDecoder().decode(bytes).split('\n');
    const record: unknown = JSON.parse(head);
    if (!isRecord(record) || JSON.stringify(record['search']) !== JSON.stringify(searchRules)) {
      return [];
    }
    if (record['sha256'] !== sha256(content)) return [];
    return (JSON.parse(content) as number[][][]).map(ifsOf);
  } catch {
    return [];
  }
}
