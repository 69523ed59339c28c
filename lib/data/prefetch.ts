// Prefetching: batches are prepared while the model computes.

import { assertFields, assertMethods } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import type { Batch } from './batch.ts';
import type { Loader } from './loader.ts';

/**
 * The batches of an epoch in order, prefetched.
 *
 * Up to `depth` batches are prepared while the caller computes. Leaving the loop early, or an error in a batch, drops the rest;
 * an error is thrown at the place of its batch.
 *
 * @param options.from   the first batch, from 0; default 0
 * @param options.depth  batches to prefetch, 1 … 64; default 2
 * @example for await (const batch of prefetch(loader, epoch, {from: 17})) train(batch);
 */
export async function* prefetch(
  loader: Loader,
  epoch: number,
  options: { from?: number; depth?: number } = {},
): AsyncGenerator<Batch> {
  assertMethods('a Loader', 'loader', loader, ['batch']);
  assertFields('prefetch', options, { from: 'integer?' });
  const { from = 0, depth = 2 } = options;
  assertInteger('depth', depth, { min: 1, max: 64 });
  const queue: Promise<Batch>[] = [];
  let next = from;
  const order = () => {
    const pending = loader.batch(epoch, next);
    // The error is thrown where the batch is awaited; until then it must not count as unhandled.
    pending.catch(() => undefined);
    queue.push(pending);
    next += 1;
  };
  while (queue.length > 0 || next < loader.steps) {
    while (queue.length < depth && next < loader.steps) order();
    yield await queue.shift()!;
  }
}
