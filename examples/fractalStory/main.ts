// Does it help to learn from fractals first? npm run story:fractal -- [--quick] [--output-dir DIR] [--threads N]
//
// A small ViT is pre-trained on FractalDB, generated from its formula, and on OFDB, one picture of each category. Both, and one with
// random weights, are then trained on 10, 100 and 1000 labelled digits of a class. The same command goes on where it was stopped.

import path from 'node:path';
import { parseArgs } from 'node:util';
import { VitError, selectBackend } from 'tfjs-vit/node';
import { full, quick, type Plan } from './plan.ts';
import { tellStory } from './story.ts';

const usage = 'npm run story:fractal -- [--quick] [--output-dir DIR] [--threads N]';

async function main(words: string[]): Promise<void> {
  const { plan, folder, threads } = optionsOf(words);
  console.log((await selectBackend({ threads })).reason);
  const table = await tellStory(plan, folder);
  console.log(`\nTop-1 on ${plan.test} test images in %, mean ± standard deviation of`);
  console.log(`${plan.seeds.length} seeds, (learning rate chosen on validation images)\n`);
  console.log(table);
  console.log(`Table, CSV and chart: ${path.join(folder, 'results.{md,csv,png}')}`);
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
