// The course of the story: two pre-trainings, and trainings with few labels from each start.

import { mkdir } from 'node:fs/promises';
import { openDigits, type Digits } from './data.ts';
import { starts, type Plan, type Start } from './plan.ts';
import { report, type Result } from './report.ts';
import { fineTuneRun, pretrain } from './runs.ts';

/** Runs a plan in a folder and gives the table. What the folder has is not trained again. */
export async function tellStory(plan: Plan, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const digits = await openDigits(plan);
  const results: Result[] = [];
  for (const start of starts) {
    const began = performance.now();
    const from = start === 'scratch' ? undefined : await pretrain(start, plan, folder);
    if (from !== undefined) say(`pre-trained on ${start}`, began, plan.pretrain.images);
    results.push(...(await fineTuneAll(start, from, { plan, folder, digits })));
  }
  return report(results, plan, folder);
}

/** All fine-tunings of one start: first the learning rate of each number of labels, then every seed. */
async function fineTuneAll(
  start: Start,
  from: string | undefined,
  { plan, folder, digits }: { plan: Plan; folder: string; digits: Digits },
): Promise<Result[]> {
  const env = { plan, folder, digits, ...(from !== undefined && { from }) };
  const results: Result[] = [];
  for (const { perClass, images } of plan.finetune) {
    const began = performance.now();
    const size = { start, perClass, images };
    const scores: [score: number, learningRate: number][] = [];
    // A single rate is nothing to choose from.
    for (const learningRate of plan.learningRates.length > 1 ? plan.learningRates : []) {
      const run = { ...size, learningRate, seed: plan.selectionSeed, isSelection: true };
      scores.push([(await fineTuneRun(run, env)).validation, learningRate]);
    }
    scores.sort(([a], [b]) => b - a);
    const learningRate = scores[0]?.[1] ?? plan.learningRates[0]!;
    for (const seed of plan.seeds) {
      const run = { ...size, learningRate, seed, isSelection: false };
      const { validation, test } = await fineTuneRun(run, env);
      results.push({ start, perClass, seed, learningRate, validation, test: test! });
    }
    const ofSize = results.slice(-plan.seeds.length).map(({ test }) => (100 * test).toFixed(2));
    say(`${start}, ${perClass} a class: ${ofSize.join(', ')} %`, began);
  }
  return results;
}

function say(what: string, began: number, images?: number): void {
  const seconds = (performance.now() - began) / 1000;
  const rate = images === undefined ? '' : `, ${images} images`;
  console.log(`${what} (${seconds.toFixed(0)} s${rate})`);
}
