// The report of an ablation: Markdown, CSV and chart.

import path from 'node:path';
import { sampleStatistics } from '../core/sampleStatistics.ts';
import { csvTable, markdownTable } from '../core/textTable.ts';
import { intervalChart } from '../figures/intervalChart.ts';
import { writeAtomically } from './outputFile.ts';
import type { RunScore } from './ablationRecord.ts';

/** The scores of a variant, a seed each, in the same order for every variant. The first row is the base. */
export interface AblationRow {
  readonly name: string;
  readonly scores: readonly RunScore[];
}

/**
 * Writes ablation.md, ablation.csv and ablation.png.
 *
 * The difference to the base is taken seed by seed, as each seed draws the same order of the images in every variant.
 *
 * @returns the table in Markdown
 * @throws IoError if one cannot be written
 */
export async function reportAblation(
  rows: readonly AblationRow[],
  { outputDir, name, seeds }: { outputDir: string; name: string; seeds: number },
): Promise<string> {
  const base = rows[0]!.scores;
  const results = rows.map((row) => {
    const differences = row.scores.map(({ top1 }, i) => top1 - base[i]!.top1);
    const values = row.scores.map(({ top1 }) => top1);
    return { ...row, ...sampleStatistics(values), difference: sampleStatistics(differences) };
  });
  const part = base[0]!.part === 'test' ? 'test' : 'validation';
  const table = markdownTable({
    head: [name, `${part} top-1 %`, '± 95 %', 'difference', '± 95 %'],
    rows: results.map(({ name: variant, mean, halfWidth, difference }, i) => [
      variant,
      points(mean),
      points(halfWidth),
      i === 0 ? null : signed(difference.mean),
      i === 0 ? null : points(difference.halfWidth),
    ]),
  });
  const count = seeds === 1 ? '1 seed, no interval' : `${seeds} seeds`;
  const text = `${table}\n${count}; ± is half the 95 % confidence interval of the mean, differences are taken seed by seed.\n`;
  const csv = csvTable({
    head: ['variant', 'seedIndex', 'part', 'top1', 'epoch'],
    rows: rows.flatMap((row) =>
      row.scores.map(({ part: of, top1, epoch }, i) => [row.name, i, of, top1, epoch]),
    ),
  });
  const chart = await intervalChart({
    title: `${name}: what each ingredient brings`,
    xLabel: `${part} top-1, mean of ${count}`,
    format: 'percent',
    rows: results.map(({ name: label, mean, halfWidth, scores }, i) => ({
      label,
      value: mean,
      halfWidth: halfWidth ?? 0,
      points: scores.map(({ top1 }) => top1),
      strong: i === 0,
    })),
  });
  const files = { 'ablation.md': text, 'ablation.csv': csv, 'ablation.png': chart };
  for (const [file, content] of Object.entries(files)) {
    await writeAtomically(path.join(outputDir, file), content);
  }
  return text;
}

function points(fraction: number | null): string | null {
  return fraction === null ? null : (100 * fraction).toFixed(2);
}

function signed(fraction: number): string {
  return `${fraction > 0 ? '+' : ''}${(100 * fraction).toFixed(2)}`;
}
