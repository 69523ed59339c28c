// The command line of `npm run bench:cost`.

import { costAxes, type CostAxis } from './costWorks.ts';
import { listOf, oneOf, readFlags, secondsOf, threadsOf, wholeOf } from './flags.ts';
import { precisions, type Precision } from '../lib/node.ts';

/**
 * The options of a run.
 *
 * @property quick    a small grid
 * @property seconds  a round repeats the work for at least so long
 * @property json     the file of the result lines
 * @property charts   charts are `<charts>-<axis>-time.png` and `<charts>-<axis>-memory.png`
 */
export interface CostOptions {
  axes: CostAxis[];
  precision: Precision;
  quick: boolean;
  rounds: number;
  threads: number;
  seconds: number;
  json: string | undefined;
  charts: string | undefined;
}

export const costHelp = `npm run bench:cost -- [options]

  How time and memory of native grow with the size of the work, and whether that is as it should be.

  --axis A,B,…     ${costAxes.join(', ')}; default all
  --precision P    ${precisions.join(' or ')}; default fp32
  --quick          a small grid
  --rounds N       default 3
  --threads N      default all cores
  --seconds X      a round repeats its work for at least so long; default 0.2
  --json FILE      one JSON object a line for each point
  --charts PREFIX  PREFIX-<axis>-time.png and PREFIX-<axis>-memory.png; default the name of --json without its ending`;

/**
 * Reads the command line.
 *
 * @returns undefined if help is asked for
 * @throws InputError naming the flag
 */
export function parseCostOptions(words: readonly string[]): CostOptions | undefined {
  const text = { type: 'string' } as const;
  const values = readFlags('bench:cost', words, {
    axis: text,
    precision: text,
    quick: { type: 'boolean' },
    rounds: text,
    threads: text,
    seconds: text,
    json: text,
    charts: text,
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help === true) return undefined;
  const { axis, precision = 'fp32', json } = values;
  return {
    axes: axis === undefined ? [...costAxes] : listOf('axis', axis, costAxes),
    precision: oneOf('precision', precision, precisions),
    quick: values.quick === true,
    rounds: wholeOf('rounds', values.rounds ?? '3', 10_000),
    threads: threadsOf(values.threads),
    seconds: secondsOf(values.seconds ?? '0.2'),
    json,
    charts: values.charts ?? json?.replace(/\.jsonl?$/, ''),
  };
}
