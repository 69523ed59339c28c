// The scores of methods of explanation as a table and as charts.

import path from 'node:path';
import { percent } from '../core/format.ts';
import { csvTable, markdownTable, type TextTable } from '../core/textTable.ts';
import { intervalChartSvg } from '../figures/intervalChart.ts';
import { lineChartSvg } from '../figures/lineChart.ts';
import { svgToPng } from '../figures/svgToPng.ts';
import { writeAtomically } from './outputFile.ts';

/** Mean scores by name; null where there is none. */
export type Scores = Record<string, number | null>;

/** A method's mean scores, and the rank correlation of each image for the chart. */
export interface Result {
  name: string;
  scores: Scores;
  correlations: number[];
  deletion: number[];
}

/** The scores of all methods as a table, a row each. */
export function scoreTable(results: readonly Result[]): TextTable {
  const names = [...new Set(results.flatMap(({ scores }) => Object.keys(scores)))];
  return {
    head: ['method', ...names],
    rows: results.map(({ name, scores }) => [
      name,
      ...names.map((column) => {
        const value = scores[column];
        return value == null ? '-' : value.toFixed(3);
      }),
    ]),
  };
}

/** Writes table, CSV, JSON and charts into a folder. */
export async function writeScores(
  folder: string,
  results: readonly Result[],
  about: { title: string; images: number; exact: boolean },
): Promise<void> {
  const { title, images, exact } = about;
  const table = scoreTable(results);
  const place = (name: string) => path.join(folder, name);
  await writeAtomically(place('table.md'), markdownTable(table));
  await writeAtomically(place('table.csv'), csvTable(table));
  const record = { schema: 'vit-eval-explain/1', checkpoint: title, images, results };
  await writeAtomically(place('results.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  if (exact) {
    const rows = results
      .filter(({ name }) => name !== 'exact Shapley')
      .map(({ name, correlations }) => {
        const mean = correlations.reduce((sum, value) => sum + value, 0) / correlations.length;
        const square = correlations.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        const error = Math.sqrt(
          square / Math.max(1, correlations.length - 1) / correlations.length,
        );
        return { label: name, value: mean, halfWidth: 1.96 * error };
      });
    const svg = intervalChartSvg({
      rows,
      title: 'Rank correlation with exact Shapley values',
      subtitle: `${images} test images, logit of the predicted class · ${title}`,
      xLabel: 'Spearman’s ρ, mean and 95 % interval',
      width: 620,
    });
    await writeAtomically(place('ranking.png'), await svgToPng(svg, { scale: 2 }));
  }
  const drawn = results.filter(({ deletion }) => deletion.length > 0);
  if (drawn.length === 0) return;
  const best = drawn.slice(0, 5).concat(drawn.filter(({ name }) => name === 'random map'));
  const svg = lineChartSvg({
    series: [...new Set(best)].map(({ name, deletion }) => ({
      name,
      points: deletion.map((value, i) => [i / (deletion.length - 1), value] as const),
      dashed: name === 'random map',
    })),
    title: 'Deletion: the most important patches go first',
    subtitle: `Mean probability of the predicted class (${percent(1, 0)}: all patches gone) · ${title}`,
    xLabel: 'share of the patches that is gone',
    yLabel: 'probability',
    xFormat: 'percent',
    yLimits: [0, 1],
  });
  await writeAtomically(place('deletion.png'), await svgToPng(svg, { scale: 2 }));
}
