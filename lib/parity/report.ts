// The report of a parity run.

import { printable } from '../core/format.ts';
import { entryName } from './goldenCase.ts';
import type { Precision } from '../core/precision.ts';
import type { CompareEntry, ComputedEntry } from './goldenCase.ts';
import type { Difference } from './compareTensors.ts';

/** The verdict on an entry or a case. */
export type Verdict = 'ok' | 'FAIL' | 'skip';

/** All gradients of a file taken as one vector, which is compared in bf16 too. */
export interface AllGradients {
  kind: 'gradients';
  file: string;
}

/** One compared entry with its result; `difference` is absent when nothing was measured. */
export interface EntryResult {
  entry: CompareEntry | AllGradients;
  verdict: Verdict;
  difference?: Difference;
  detail?: string;
}

/**
 * A case with its entries.
 *
 * @property detail  why it was skipped, could not be read or did not run
 */
export interface CaseResult {
  name: string;
  verdict: Verdict;
  unreadable: boolean;
  detail?: string;
  entries: EntryResult[];
}

/** The cases counted: `12 passed, 0 failed, 3 skipped`. A case that cannot be read counts as failed. */
export interface ParityTotals {
  passed: number;
  failed: number;
  skipped: number;
  unreadable: number;
}

/**
 * One line of the report, without its end: `family/case, file:tensor, maxAbs, maxRel, atol, rtol, ok|FAIL|skip` between tabs.
 *
 * A column that does not apply holds `-`. A relative L2 norm is in the column of maxRel and its limit in that of rtol, without an
 * atol.
 */
export function formatEntry(caseName: string, result: EntryResult): string {
  const { entry, difference, verdict } = result;
  const { maxAbs, maxRel, limit } = difference ?? {};
  const { atol, rtol } =
    limit === undefined ? tolerancesOf(entry) : { atol: undefined, rtol: limit };
  const numbers = [maxAbs, maxRel, atol, rtol].map((n) =>
    n === undefined ? '-' : formatNumber(n),
  );
  const columns = [caseName, nameOf(entry), ...numbers, verdict];
  return columns.map(printable).join('\t');
}

/** The names of the columns of `formatEntry`, in its form. */
export const entryHeader = [
  'case',
  'compared',
  'max |ours - ref|',
  'max relative',
  'atol',
  'rtol',
  'verdict',
].join('\t');

/** One line for a whole case: its name, how many entries it has, its verdict. */
export function formatCase({ name, entries, verdict }: CaseResult): string {
  const count = `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}`;
  return [name, count, verdict].map(printable).join('\t');
}

/** The file and what is compared in it. */
export function nameOf(entry: EntryResult['entry']): string {
  return entry.kind === 'gradients' ? `${entry.file}:all gradients` : entryName(entry);
}

function tolerancesOf(entry: EntryResult['entry']): { atol?: number; rtol?: number } {
  return {
    ...('atol' in entry && { atol: entry.atol }),
    ...('rtol' in entry && { rtol: entry.rtol }),
  };
}

/** The result of an entry for which nothing of its name was produced. */
export function notProduced(entry: ComputedEntry): EntryResult {
  return entry.optional
    ? { entry, verdict: 'skip', detail: 'optional, not produced' }
    : { entry, verdict: 'FAIL', detail: 'not produced' };
}

/** The closing line. */
export function formatTotals({ passed, failed, skipped }: ParityTotals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Counts the cases. */
export function totalsOf(cases: readonly CaseResult[]): ParityTotals {
  const count = (verdict: Verdict) => cases.filter((one) => one.verdict === verdict).length;
  return {
    passed: count('ok'),
    failed: count('FAIL'),
    skipped: count('skip'),
    unreadable: cases.filter((one) => one.unreadable).length,
  };
}

/** The exit code of a run: 2 if a case could not be read, 1 if something failed, else 0. */
export function exitCodeOf({ failed, unreadable }: ParityTotals): 0 | 1 | 2 {
  if (unreadable > 0) return 2;
  return failed > 0 ? 1 : 0;
}

/**
 * The verdict of a case from its entries: FAIL if one failed, ok if one was checked and none failed, else skip.
 *
 * So a case with entries of an unsupported container passes on the others, and its report shows which were skipped.
 */
export function verdictOf(entries: readonly EntryResult[]): Verdict {
  if (entries.some(({ verdict }) => verdict === 'FAIL')) return 'FAIL';
  return entries.some(({ verdict }) => verdict === 'ok') ? 'ok' : 'skip';
}

/** The whole run as one JSON text, with non-finite numbers as strings. */
export function formatJson(
  backend: string,
  cases: readonly CaseResult[],
  precision: Precision = 'fp32',
): string {
  const report = {
    schema: 'vit-parity/1',
    backend,
    precision,
    totals: totalsOf(cases),
    cases: cases.map(({ name, verdict, unreadable, detail, entries }) => ({
      name,
      verdict,
      unreadable,
      detail,
      entries: entries.map((result) => ({
        name: nameOf(result.entry),
        verdict: result.verdict,
        maxAbs: result.difference?.maxAbs,
        maxRel: result.difference?.maxRel,
        relativeL2: result.difference?.relativeL2,
        limit: result.difference?.limit,
        ...(result.difference?.limit === undefined && tolerancesOf(result.entry)),
        detail: result.detail ?? result.difference?.detail,
      })),
    })),
  };
  const plain = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? formatNumber(value) : value;
  return `${JSON.stringify(report, plain, 1)}\n`;
}

function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return value === 0 ? '0' : Number(value.toPrecision(4)).toExponential();
}
