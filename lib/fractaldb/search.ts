// The search for the categories of a FractalDB, shared among threads.

import { candidateStream } from '../fractal/candidates.ts';
import { scanBlock } from '../fractal/scan.ts';
import type { Ifs } from '../fractal/ifs.ts';
import type { Stop } from '../core/stop.ts';
import type { GeneratorState } from './tasks.ts';
import type { FractalWorkers } from './workers.ts';

/** A category that was found. @property candidate  its place in the stream of candidates, from 0 */
export interface FoundCategory {
  readonly candidate: number;
  readonly ifs: Ifs;
}

/**
 * The receivers of a search.
 *
 * @property onProgress  told how many categories are found, of how many
 * @property stop        looked at between two rounds; the search then gives what it has
 */
export interface SearchOptions {
  onProgress?: ((done: number, total: number) => void) | undefined;
  stop?: Stop | undefined;
}

/** One category in so many candidates is usual. */
const candidatesPerCategory = 43;

/**
 * Finds the first `count` categories. The search goes in rounds: every thread passes over the same candidates and tests its share.
 *
 * @returns fewer only if it was stopped
 */
export async function searchCategories(
  count: number,
  workers: FractalWorkers,
  { onProgress, stop }: SearchOptions = {},
): Promise<FoundCategory[]> {
  const found: FoundCategory[] = [];
  const step = Math.max(1, workers.count);
  const unit = scanBlock * step;
  let { words, at }: GeneratorState = candidateStream();
  for (let from = 0; found.length < count && stop?.signal === undefined;) {
    const likely = ((count - found.length) * candidatesPerCategory) / 2;
    const length = unit * Math.min(Math.max(1, Math.round(likely / unit)), Math.ceil(512 / unit));
    const results = await Promise.all(
      Array.from({ length: step }, (_, first) =>
        workers.run('scan', {
          generator: { words, at },
          count: length,
          share: { first, step },
        }),
      ),
    );
    const accepted = results.flatMap((result) => result.found);
    accepted.sort((a, b) => a.offset - b.offset);
    for (const { offset, ifs } of accepted) found.push({ candidate: from + offset, ifs });
    ({ words, at } = results[0]!.generator);
    from += length;
    onProgress?.(Math.min(found.length, count), count);
  }
  return found.slice(0, count);
}
