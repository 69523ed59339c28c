// Does it help to learn from fractals first? npm run story:fractal -- [--quick] [--output-dir DIR] [--threads N]
//
// A small ViT is pre-trained on FractalDB, generated from its formula, and on OFDB, one picture of each category. Both, and one with
// random weights, are then trained on 10, 100 and 1000 labelled digits of a class. The same command goes on where it was stopped.

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { VitError, selectBackend } from 'tfjs-vit/node';
import { openDigits, type Digits } from './data.ts';
import { full, quick, starts, type Plan, type Start } from './plan.ts';
import { report, type Result } from './report.ts';
import { fineTuneRun, pretrain } from './runs.ts';

const usage = 'npm run story:fractal -- [--quick] [--output-dir DIR] [--threads N]';

async function main(words: string[]): Promise<void> {
  const { plan, folder, threads } = optionsOf(words);
  console.log((await selectBackend({ threads })).reason);
  await mkdir(folder, { recursive: true });
  const digits = await openDigits(plan);
  const results: Result[] = [];
  for (const start of starts) {
    const began = performance.now();
    const from = start === 'scratch' ? undefined : await pretrain(start, plan, folder);
    if (from !== undefined) say(`pre-trained on ${start}`, began, plan.pretrain.images);
    results.push(...(await fineTuneAll(start, from, { plan, folder, digits })));
  }
  console.log(`\nTop-1 on ${plan.test} test images in %, mean ± standard deviation of`);
  console.log(`${plan.seeds.length} seeds, (learning rate chosen on validation images)\n`);
  console.log(await report(results, plan, folder));
  console.log(`Table, CSV and chart: ${path.join(folder, 'results.{md,csv,png}')}`);
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

function optionsOf(words: string[]): { plan: Plan; folder: string; threads: number | undefined } {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        quick: { type: 'boolean' },
        'output-dir': { type: 'string' },
        threads: { type: 'string' },
      },
    });
    const threads = values.threads === undefined ? undefined : Number(values.threads);
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
      throw new Error(`Expected an integer ≥ 1 for --threads, received ${values.threads}`);
    }
    const name = values.quick === true ? 'story-fractal-quick' : 'story-fractal';
    const folder = values['output-dir'] ?? path.join('runs', name);
    return { plan: values.quick === true ? quick : full, folder, threads };
  } catch (error) {
    console.error(`${(error as Error).message.split('\n')[0]}. Usage: ${usage}`);
    process.exit(2);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof VitError)) throw error;
  console.error(error.message);
  process.exit(2);
}
