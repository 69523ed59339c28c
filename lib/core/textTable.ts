// A table as text: Markdown for people, CSV for programs.

import { InputError, expected } from './errors.ts';
import { assertFields, assertKind } from './kinds.ts';

/** A table of texts and numbers; `null` is an empty cell. Every row has as many cells as the head. */
export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/**
 * A table in Markdown, its columns padded to one width: the first to the left, the others to the right.
 *
 * @throws InputError for a row of another length
 */
export function markdownTable(table: TextTable): string {
  const { head, rows } = checked(table);
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => String(cell ?? '').replaceAll('|', '\\|')),
  );
  const widths = head.map((_, i) => Math.max(3, ...cells.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return `${[line(cells[0]!), line(rule), ...cells.slice(1).map(line)].join('\n')}\n`;
}

/** A table as CSV (RFC 4180): a line of names, then the rows; cells with commas, quotes or line breaks stand in quotes. */
export function csvTable(table: TextTable): string {
  const { head, rows } = checked(table);
  const cell = (value: string | number | null): string => {
    const text = String(value ?? '');
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[head, ...rows].map((row) => row.map(cell).join(',')).join('\n')}\n`;
}

function checked(table: TextTable): TextTable {
  assertFields('the table', table, { head: 'list', rows: 'list' });
  const { head, rows } = table;
  rows.forEach((row, i) => {
    assertKind(`rows[${i}]`, row, 'list');
    if (row.length === head.length) return;
    throw new InputError(expected(`${head.length} cells`, `rows[${i}]`, `${row.length} cells`));
  });
  return table;
}
