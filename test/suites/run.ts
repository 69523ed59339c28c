// Runs the rows of a suite, two at a time, and prints them as a table.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { messageOf } from '../../lib/core/errors.ts';
import { Place } from './place.ts';
import { Fault, Skipped, brief } from './row.ts';
import { buildCommand } from './build.ts';
import type { AppliedRow, Row } from './row.ts';

/** What became of a row. */
export type Outcome = 'ok' | 'FAIL' | 'answered' | 'skipped';

interface Result {
  id: string;
  what: string;
  expected: string;
  seen: string;
  ok: Outcome;
  seconds: number;
}

const help = (
  name: string,
): string => `npm run ${name} -- [--only ID,…] [--json FILE] [--jobs N] [--no-build]

Does to the built command line and to the library what the list of attacks has, and prints for each row its id, what was done, what is
right, what was seen, and whether that is so. A row that does not apply to what is built is answered, with the reason; one that
needs a right or a tool that is not here is skipped. Ends with the counts, and with exit code 1 if a row failed.

  --only     only these rows: F07,B3*,I16-*; B27 stands for all its cases
  --json     also write the table into a file
  --jobs     rows at a time, default 2
  --no-build take dist/ as it is`;

/** Runs a suite as the main function of a process, and sets its exit code. */
export async function runSuite(name: string, rows: readonly Row[]): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help(name));
    return;
  }
  assertUnique(rows);
  const chosen = rows.filter(({ id }) => isChosen(id, values.only));
  if (chosen.length === 0) {
    console.error(`Expected ids of rows for --only, received ${values.only}.`);
    process.exitCode = 2;
    return;
  }
  if (!values['no-build']) buildCommand();
  // Suppresses the advice to install tfjs-node.
  tf.env().set('IS_TEST', true);
  const results = await runAll(chosen, Number(values.jobs));
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 2));
  const count = (outcome: Outcome): number => results.filter(({ ok }) => ok === outcome).length;
  for (const { id, what, expected, seen } of results.filter(({ ok }) => ok === 'FAIL')) {
    console.log(`\nFAIL ${id}: ${what}\n  expected  ${expected}\n  seen      ${seen}`);
  }
  console.log(
    `\n${count('ok')} passed, ${count('FAIL')} failed, ${count('answered')} answered, ${count('skipped')} skipped`,
  );
  // A row may have left something behind that keeps the process alive.
  process.exit(count('FAIL') > 0 ? 1 : 0);
}

/** Whether an id is among those of --only. */
export function isChosen(id: string, only: string | undefined): boolean {
  if (only === undefined) return true;
  return only.split(',').some((word) => {
    const pattern = word
      .trim()
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('\\*', '.*');
    return new RegExp(`^${pattern}(\\..*)?$`).test(id);
  });
}

function assertUnique(rows: readonly Row[]): void {
  const ids = rows.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new Error(`The id ${twice} is used twice.`);
}

// Rows are printed in the order of the list, each as soon as those before it are done.
async function runAll(rows: readonly Row[], jobs: number): Promise<Result[]> {
  const results: Result[] = [];
  let [next, printed] = [0, 0];
  print({ id: 'id', what: 'what', expected: 'expected', seen: 'seen', ok: 'ok' });
  const work = async (): Promise<void> => {
    for (let i = next++; i < rows.length; i = next++) {
      const row = rows[i]!;
      results[i] = await inTurn(row, () => runRow(row));
      for (; results[printed] !== undefined; printed += 1) print(results[printed]!);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results;
}

let turn: Promise<unknown> = Promise.resolve();

// Rows that work in this process take turns.
function inTurn<T>(row: Row, work: () => Promise<T>): Promise<T> {
  if (!('run' in row) || row.inProcess !== true) return work();
  const mine = turn.then(work, work);
  turn = mine;
  return mine;
}

async function runRow(row: Row): Promise<Result> {
  const { id, what } = row;
  if ('answer' in row) {
    return { id, what, expected: '–', seen: row.answer, ok: 'answered', seconds: 0 };
  }
  const begun = performance.now();
  const { seen, ok } = await outcomeOf(row);
  return {
    id,
    what,
    expected: row.expected,
    seen,
    ok,
    seconds: (performance.now() - begun) / 1000,
  };
}

async function outcomeOf(row: AppliedRow): Promise<Pick<Result, 'seen' | 'ok'>> {
  const place = new Place();
  try {
    return { seen: await row.run(place), ok: 'ok' };
  } catch (error) {
    if (error instanceof Skipped) return { seen: error.message, ok: 'skipped' };
    if (error instanceof Fault) return { seen: brief(error.message, 700), ok: 'FAIL' };
    const stack = error instanceof Error ? error.stack : undefined;
    return { seen: `the row itself failed: ${brief(stack ?? messageOf(error), 700)}`, ok: 'FAIL' };
  } finally {
    place.remove();
  }
}

const widths = [9, 50, 48, 62] as const;

function print({ id, what, expected, seen, ok }: Omit<Result, 'seconds' | 'ok'> & { ok: string }) {
  const cells = [id, what, expected, seen].map((text, i) =>
    brief(text, widths[i]).padEnd(widths[i]!),
  );
  console.log(`${cells.join('  ')}  ${ok}`);
}
