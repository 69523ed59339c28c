// The result of the story: table, CSV and chart.

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { csvTable, lineChart, markdownTable, sampleStatistics } from 'tfjs-vit/node';
import { starts, type Plan, type Start } from './plan.ts';

/** Top-1 on the test images of one seed. */
export interface Result {
  start: Start;
  perClass: number;
  seed: number;
  learningRate: number;
  validation: number;
  test: number;
}

const names: Record<Start, string> = {
  scratch: 'from scratch',
  OFDB: 'pre-trained on OFDB',
  FractalDB: 'pre-trained on FractalDB',
};

/** Writes results.md, results.csv and results.png into the folder, and gives the table. */
export async function report(
  results: readonly Result[],
  plan: Plan,
  folder: string,
): Promise<string> {
  const sizes = plan.finetune.map(({ perClass }) => perClass);
  const of = (start: Start, perClass: number) => {
    const found = results.filter((one) => one.start === start && one.perClass === perClass);
    return { ...sampleStatistics(found.map(({ test }) => test)), found };
  };
  const table = markdownTable({
    head: ['', ...sizes.map((size) => `${size} a class`)],
    rows: starts.map((start) => [
      names[start],
      ...sizes.map((size) => {
        const { mean, deviation, found } = of(start, size);
        const spread = `± ${(100 * deviation).toFixed(2)}`;
        return `${(100 * mean).toFixed(2)} ${spread} (${found[0]!.learningRate})`;
      }),
    ]),
  });
  const series = starts.map((start) => ({
    name: names[start],
    points: sizes.map((size) => [size, of(start, size).mean] as const),
    spread: sizes.map((size) => of(start, size).deviation),
  }));
  const chart = await lineChart({
    series,
    title: 'MNIST with few labels',
    xLabel: 'labelled images of a class',
    yLabel: 'top-1 on the test images',
    xScale: 'log',
    yFormat: 'percent',
    yLimits: [0, 1],
    width: 560,
    height: 340,
  });
  const csv = csvTable({
    head: ['start', 'perClass', 'seed', 'learningRate', 'validationTop1', 'testTop1'],
    rows: results.map(({ start, perClass, seed, learningRate, validation, test }) => [
      start,
      perClass,
      seed,
      learningRate,
      validation,
      test,
    ]),
  });
  const files = { 'results.md': table, 'results.csv': csv, 'results.png': chart };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(folder, name), content);
  }
  return table;
}
