// What a person reads of a run: a Markdown table, and a chart of the speeds relative to native.

import type { Bar } from '../lib/node.ts';
import type { BenchRecord } from './record.ts';

const head = [
  'work', 'batch or shape', 'contender', 'ms (quartiles)', 'images/s', 'GFLOP/s', 'peak MB', 'native is', 'memory of native',
]; // prettier-ignore

/** The result lines as a Markdown table. The last two columns compare native with the row's contender: above 1× native is faster. */
export function markdownTable(records: readonly BenchRecord[]): string {
  const rows = records.map((record) => {
    const native = nativeOf(record, records);
    const isPeer = native !== undefined && native !== record;
    return [
      record.work,
      String(record.batch ?? record.shape.join('×')),
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
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A bar for each contender of each work: its speed when native's is 1. Op rows are left out. */
export function speedBars(records: readonly BenchRecord[]): Bar[] {
  return records.flatMap((record) => {
    const native = nativeOf(record, records);
    const shown = record.batch !== null || record.work === 'gemm';
    if (native === undefined || !shown) return [];
    const what = record.batch === null ? record.shape.join('×') : `batch ${record.batch}`;
    return {
      label: `${record.work} ${what}, ${record.contender}`,
      value: native.medianMs / record.medianMs,
      strong: record === native,
    };
  });
}

function nativeOf(record: BenchRecord, records: readonly BenchRecord[]): BenchRecord | undefined {
  return records.find(
    (one) =>
      one.contender === 'native' &&
      one.work === record.work &&
      one.precision === record.precision &&
      one.shape.join() === record.shape.join(),
  );
}

// Three significant digits, without exponents.
function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 4);
}
