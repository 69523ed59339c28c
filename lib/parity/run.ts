// The parity run: find the cases, plan each with its family, compare, report.

import { VitError, messageOf } from '../core/errors.ts';
import type { Precision } from '../core/precision.ts';
import { compareAll } from './compareCase.ts';
import { families } from './families.ts';
import { UnsupportedCase } from './family.ts';
import { findCases } from './findCases.ts';
import { readCase } from './goldenCase.ts';
import { formatCase, formatEntry, formatTotals, nameOf, totalsOf, verdictOf } from './report.ts';
import type { CasePlan, Produced } from './family.ts';
import type { GoldenCase } from './goldenCase.ts';
import type { CaseResult, EntryResult } from './report.ts';

/**
 * The output of a run.
 *
 * @property line  the report, a line at a time
 * @property note  for a person: why something was skipped or failed
 */
export interface ParityOutput {
  line: (text: string) => void;
  note: (text: string) => void;
}

/**
 * Runs every golden case at or below the folders on the backend that is set, and reports each compared entry.
 *
 * @param options.short  true: a line for each case, and the entries that fail
 * @throws IoError, InputError if a folder is missing or holds no case. An invalid case does not throw: it is reported, the
 *         others run, and `exitCodeOf(totalsOf(result))` is 2
 *
 * @example
 * const cases = await runParity(['goldens/vit-timm'], {line: console.log, note: console.error});
 */
export async function runParity(
  folders: readonly string[],
  output: ParityOutput,
  { precision = 'fp32', short = false }: { precision?: Precision; short?: boolean } = {},
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const folder of findCases(folders)) {
    const result = await runCase(folder, precision);
    for (const entry of result.entries) {
      if (!short || entry.verdict === 'FAIL') output.line(formatEntry(result.name, entry));
    }
    if (short) output.line(formatCase(result));
    for (const note of notesOf(result)) output.note(note);
    results.push(result);
  }
  output.line(formatTotals(totalsOf(results)));
  return results;
}

/** Runs one case. It does not throw for an invalid case or a failing library: the result tells. */
export async function runCase(folder: string, precision: Precision = 'fp32'): Promise<CaseResult> {
  let golden: GoldenCase;
  try {
    golden = readCase(folder);
  } catch (error) {
    const entries: EntryResult[] = [];
    return { name: folder, verdict: 'FAIL', unreadable: true, detail: reasonOf(error), entries };
  }
  const { name } = golden;
  const all = (verdict: 'FAIL' | 'skip', detail: string, unreadable: boolean): CaseResult => ({
    name,
    verdict,
    unreadable,
    detail,
    entries: golden.compare.map((entry) => ({ entry, verdict, detail })),
  });
  const family = families.get(golden.family);
  if (family === undefined) {
    return all('skip', `the family ${golden.family} is not supported yet`, false);
  }
  let plan: CasePlan;
  try {
    plan = await family.plan(golden);
  } catch (error) {
    if (error instanceof UnsupportedCase) return all('skip', error.message, false);
    return all('FAIL', reasonOf(error), true);
  }
  let produced: Produced | undefined;
  const supported = golden.compare.filter((entry) => plan.unsupported(entry) === undefined);
  try {
    if (supported.some(({ kind }) => kind !== 'expect')) produced = await plan.run?.(precision);
  } catch (error) {
    return all('FAIL', reasonOf(error), false);
  }
  try {
    const entries = await compareAll(golden, plan, { produced, precision });
    return { name, verdict: verdictOf(entries), unreadable: false, entries };
  } catch (error) {
    return all('FAIL', reasonOf(error), true);
  }
}

function notesOf({ name, verdict, unreadable, detail, entries }: CaseResult): string[] {
  if (unreadable) return [`${name} cannot be read: ${detail}`];
  if (detail !== undefined)
    return [`${name} ${verdict === 'skip' ? 'skipped' : 'failed'}: ${detail}`];
  const notes = entries
    .filter((result) => result.verdict === 'FAIL')
    .slice(0, 3)
    .map(
      ({ entry, detail: own, difference }) =>
        `${name} ${nameOf(entry)}: ${own ?? difference?.detail}`,
    );
  const skipped = new Map<string, number>();
  for (const result of entries) {
    if (result.verdict !== 'skip' || result.detail === undefined) continue;
    skipped.set(result.detail, (skipped.get(result.detail) ?? 0) + 1);
  }
  for (const [reason, count] of skipped) {
    notes.push(`${name} ${count} of ${entries.length} entries skipped: ${reason}`);
  }
  return notes;
}

// A defect of the library keeps its stack, because the report is for the person who fixes it.
function reasonOf(error: unknown): string {
  if (error instanceof VitError || !(error instanceof Error)) return messageOf(error);
  return error.stack ?? error.message;
}
