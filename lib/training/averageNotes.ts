// A sentence about a moving average that a run is too short for.

import type { FullTrainConfig } from './trainConfig.ts';

/**
 * One sentence where much of the average that is evaluated will still be initial weights: decay^updates of it.
 *
 * @param updates        of the whole run
 * @param options.least  the share from which on it is said; default a half
 */
export function averageNotes(
  { ema, deitCompat }: Pick<FullTrainConfig, 'ema' | 'deitCompat'>,
  updates: number,
  { least = 0.5 }: { least?: number } = {},
): string[] {
  if (ema === null || deitCompat) return [];
  const { kind = 'plain', decay = 0.9998 } = ema;
  const kept = decay ** updates;
  if (kind !== 'plain' || kept < least) return [];
  return [
    `The moving average, which is what is evaluated, ends with ${(100 * kept).toFixed(0)} % of the initial weights in it, ` +
      `because the run has ${updates} updates. A lower --model-ema-decay follows sooner; --no-model-ema evaluates the weights.`,
  ];
}
