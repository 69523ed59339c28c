// Flags of DeiT and its launchers that a training here does not need: they are taken, and named once with what replaces them.

import type { Arguments, Flag } from './command.ts';

const group = 'Taken from DeiT, without meaning here:';
const one = 'one process trains, on all cores';

// Name, kind, and what stands in its place.
const rows = [
  ['device', 'string', '--backend chooses what computes'],
  ['pin-mem', 'boolean', 'no memory is pinned: images and model share it'],
  ['distributed', 'boolean', one],
  ['world-size', 'string', one],
  ['dist-url', 'string', one],
  ['dist-backend', 'string', one],
  ['dist-eval', 'boolean', one],
  ['local-rank', 'string', one],
  ['gpu', 'string', '--backend chooses what computes'],
  ['ngpus', 'string', one],
  ['nodes', 'string', one],
  ['partition', 'string', 'there is no scheduler of jobs'],
  ['use-volta32', 'boolean', 'there is no scheduler of jobs'],
  ['timeout', 'string', 'there is no scheduler of jobs; --resume goes on with a run'],
  ['comment', 'string', 'there is no scheduler of jobs'],
  ['job-dir', 'string', '--output-dir is the run folder'],
  ['model-ema-force-cpu', 'boolean', 'the average is where the model is'],
  ['start-epoch', 'string', '--resume knows the epoch'],
  ['inat-category', 'string', 'iNaturalist is no data set here'],
  ['resplit', 'boolean', 'batches are not split for augmentation'],
  ['patience-epochs', 'string', 'the schedule that waits for a plateau is not there'],
  ['lr-noise-pct', 'string', 'the learning rate has no noise'],
  ['lr-noise-std', 'string', 'the learning rate has no noise'],
] as const satisfies readonly (readonly [string, 'string' | 'boolean', string])[];

/** The flags by name. */
export const ignoredFlags: Readonly<Record<string, Flag>> = Object.fromEntries(
  rows.map(([name, type, instead]) => [
    name,
    { type, describe: instead, group, ...(type === 'string' && { value: 'X' }) },
  ]),
);

/** One sentence for all of these flags that were given; undefined if none was. */
export function ignoredNote({ flags }: Arguments): string | undefined {
  const given = rows.filter(([name]) => flags[name] !== undefined);
  if (given.length === 0) return undefined;
  const said = given.map(([name, , instead]) => `--${name} (${instead})`);
  return `Without meaning here: ${said.join(', ')}.`;
}

/** Flags that would change the training and cannot be taken, with what to do. */
export const refusedFlags: Readonly<Record<string, string>> = {
  cosub: 'Cosub training is not there; leave it out.',
  'lr-noise': 'The learning rate has no noise here; leave it out.',
};
