// The report of a run: a Markdown table, and a chart of the speeds relative to native.

import type { Bar } from '../lib/node.ts';
import { precisions } from '../lib/node.ts';
import type { BenchRecord } from './record.ts';

const head = [
  'work', 'batch or shape', 'precision', 'contender', 'ms (quartiles)', 'images/s', 'GFLOP/s', 'peak MB', 'native is', 'memory of native',
]; // prettier-ignore

/** The result lines as a Markdown table. The last two columns compare native in the row's precision with the row's contender: above 1× native is faster. */
export function markdownTable(records: readonly BenchRecord[]): string {
  const rows = records.map((record) => {
    const native = nativeOf(record, records);
    const isPeer = native !== undefined && native !== record;
    return [
      record.work,
      sizeOf(record),
      record.precision,
      record.contender,
      `${digits(record.medianMs)} (${digits(record.p25Ms)}–${digits(record.p75Ms)})`,
      record.imagesPerSecond === null ? '–' : digits(record.imagesPerSecond),
      record.gflops === null ? '–' : digits(record.gflops),
      record.peakRssBytes === 0 ? '–' : digits(record.peakRssBytes / 1e6),
      isPeer ? `${(record.medianMs / native.medianMs).toFixed(2)}×` : '–',
      isPeer && record.batch !== null
        ? `${(native.peakRssBytes / record.peakRssBytes).toFixed(2)}×`
        : '–',
    ];
  });
  return table(head, rows);
}

/**
 * Native in each of its precisions against the precision in which a peer is fastest; '' if nothing was measured in two.
 *
 * The main table cannot show this: a peer that gains nothing from bf16 is compared in float32.
 */
export function bestTable(records: readonly BenchRecord[]): string {
  const compared = records.filter((one) =>
    records.some((other) => sameWork(one, other) && one.precision !== other.precision),
  );
  const rows = compared.flatMap((first, at) => {
    const isOwn = (other: BenchRecord) =>
      other.contender === first.contender && sameWork(other, first);
    // A contender's precisions make one row, where the first of them stands.
    if (first.contender === 'native' || compared.findIndex(isOwn) !== at) return [];
    const record = compared
      .filter(isOwn)
      .reduce((best, other) => (other.medianMs < best.medianMs ? other : best));
    const ratios = precisions.map((precision) => {
      const native = nativeOf({ ...record, precision }, records);
      return native === undefined ? '–' : `${(record.medianMs / native.medianMs).toFixed(2)}×`;
    });
    return [[record.work, sizeOf(record), record.contender, record.precision, ...ratios]];
  });
  const names = precisions.map((precision) => `native in ${precision} is`);
  return rows.length === 0
    ? ''
    : table(['work', 'batch or shape', 'contender', 'its best', ...names], rows);
}

function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(names), line(names.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A row for each of TensorFlow.js's own ops: native's time, and the ratio of each other's time to it; '' without any. */
export function tfjsTable(records: readonly BenchRecord[]): string {
  const ops = records.filter(isTfjsOp);
  const peers = [...new Set(ops.map(({ contender }) => contender))].filter(
    (one) => one !== 'native',
  );
  const rows = ops.flatMap((native) => {
    if (native.contender !== 'native') return [];
    const ratios = peers.map((peer) => {
      const other = ops.find((one) => one.contender === peer && sameWork(one, native));
      return other === undefined ? '–' : `${(other.medianMs / native.medianMs).toFixed(2)}×`;
    });
    return [[native.work, sizeOf(native), digits(native.medianMs), ...ratios]];
  });
  const names = peers.map((peer) => `against ${peer}`);
  return rows.length === 0 ? '' : table(['op', 'first input', 'native, ms', ...names], rows);
}

/** Whether a line belongs to the table `tfjs-ops`. */
export function isTfjsOp({ work, mode }: BenchRecord): boolean {
  return mode === 'op' && work.startsWith('tf.');
}

/** A bar for each contender of each work: its speed when native's in the same precision is 1. Op rows are left out. */
export function speedBars(records: readonly BenchRecord[]): Bar[] {
  const precisions = new Set(records.map(({ precision }) => precision));
  return records.flatMap((record) => {
    const native = nativeOf(record, records);
    const shown = record.batch !== null || record.work === 'gemm';
    if (native === undefined || !shown) return [];
    const what = record.batch === null ? record.shape.join('×') : `batch ${record.batch}`;
    const precision = precisions.size > 1 ? ` ${record.precision}` : '';
    return {
      label: `${record.work} ${what}${precision}, ${record.contender}`,
      value: native.medianMs / record.medianMs,
      strong: record === native,
    };
  });
}

function nativeOf(record: BenchRecord, records: readonly BenchRecord[]): BenchRecord | undefined {
  return records.find(
    (one) =>
      one.contender === 'native' && one.precision === record.precision && sameWork(one, record),
  );
}

function sameWork(one: BenchRecord, other: BenchRecord): boolean {
  return one.work === other.work && one.shape.join() === other.shape.join();
}

function sizeOf({ batch, shape }: BenchRecord): string {
  return String(batch ?? shape.join('×'));
}

// Three significant digits, without exponents.
function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 4);
}
