// A layer table as text.

import { sumMacs, sumParameters, type LayerRow } from './layerRow.ts';

/**
 * A layer table as text: layers, shapes of their results, parameters, FLOPs (two for a multiply-add) for one image, and the totals.
 *
 * Numbered layers that repeat the one before them, as `blocks.1` repeats `blocks.0`, are one line.
 *
 * @param notes  sentences below the table
 */
export function formatLayers(rows: readonly LayerRow[], notes: readonly string[] = []): string {
  const lines = foldRepeated(rows);
  const header = ['layer', 'kind', 'output', 'parameters', 'FLOPs'];
  const total = ['total', '', '', ...sums(rows)];
  const widths = header.map((_, i) =>
    Math.max(...[header, ...lines, total].map((l) => l[i]!.length)),
  );
  const text = (line: readonly string[]) =>
    line
      .map((c, i) => (i > 2 ? c.padStart(widths[i]!) : c.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const ruler = widths.map((width) => '─'.repeat(width)).join('  ');
  const remarks = notes.map((note) => `note: ${note}`);
  return [text(header), ruler, ...lines.map(text), ruler, text(total), ...remarks].join('\n');
}

/** Consecutive rows of one numbered layer, or a row that is in none. */
interface Group {
  /** `blocks.0`; undefined: the row is in no numbered layer. */
  name: string | undefined;
  rows: LayerRow[];
}

function foldRepeated(rows: readonly LayerRow[]): string[][] {
  const groups = groupByNumber(rows);
  const lines: string[][] = [];
  for (let i = 0; i < groups.length;) {
    const first = groups[i]!;
    lines.push(...first.rows.map(cells));
    let next = i + 1;
    while (next < groups.length && repeats(groups[next]!, first)) next += 1;
    const folded = groups.slice(i + 1, next);
    if (folded.length > 0) {
      const name = [...new Set([folded[0]!.name, folded.at(-1)!.name])].join(' … ');
      const output = shapeText(first.rows.at(-1)!.output);
      const all = folded.flatMap((group) => group.rows);
      lines.push([name, `as ${first.name}`, output, ...sums(all)]);
    }
    i = next;
  }
  return lines;
}

function groupByNumber(rows: readonly LayerRow[]): Group[] {
  const groups: Group[] = [];
  for (const row of rows) {
    const name = /^.*?\.\d+(?=\.|$)/.exec(row.name)?.[0];
    const last = groups.at(-1);
    if (name !== undefined && last?.name === name) last.rows.push(row);
    else groups.push({ name, rows: [row] });
  }
  return groups;
}

// Whether a numbered layer has the same rows as another one of its stack.
function repeats(group: Group, first: Group): boolean {
  if (group.name === undefined || first.name === undefined) return false;
  const stack = (name: string) => name.replace(/\d+$/, '');
  if (stack(group.name) !== stack(first.name)) return false;
  const within = ({ name, rows }: Group) =>
    rows.map((row) => [row.name.slice(name!.length), row.kind, row.output, ...sums([row])].join());
  return within(group).join('\n') === within(first).join('\n');
}

function cells(row: LayerRow): string[] {
  return [row.name, row.kind, shapeText(row.output), ...sums([row])];
}

function shapeText(output: readonly number[]): string {
  return `[B, ${output.join(', ')}]`;
}

function sums(rows: readonly LayerRow[]): string[] {
  return [sumParameters(rows).toLocaleString('en-US'), flopsText(2 * sumMacs(rows))];
}

function flopsText(flops: number): string {
  if (flops >= 1e9) return `${(flops / 1e9).toFixed(2)} G`;
  if (flops >= 1e6) return `${(flops / 1e6).toFixed(2)} M`;
  return flops === 0 ? '0' : `${(flops / 1e3).toFixed(1)} k`;
}
