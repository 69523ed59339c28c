// npm run bench:ops: every row of the op table (test/cases/ops.ts) on each backend: forward, and forward with gradients.
//   npm run bench:ops -- [--backends native,wasm,cpu] [--seconds 0.2] [--only linear]

import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '../lib/node.ts';
import { bytesMoved } from '../test/support/opCase.ts';
import type { OpCase } from '../test/support/opCase.ts';
import { opRows, opWork } from './opWork.ts';

const { values } = parseArgs({
  options: {
    backends: { type: 'string', default: 'native,wasm,cpu' },
    seconds: { type: 'string', default: '0.2' },
    only: { type: 'string', default: '' },
    threads: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const threads = values.threads === undefined ? undefined : Number(values.threads);
const rows = opRows.filter(({ name }) => name.includes(values.only));

for (const backend of values.backends.split(',')) {
  const { reason, warnings } = await selectBackend({ backend, threads });
  for (const line of [reason, ...warnings]) console.log(`# ${line}`);
  console.log('backend\trow\tforward ms\tGFLOP/s\tGB/s\tforward+gradients ms');
  for (const row of rows) console.log([backend, row.name, ...(await measure(row))].join('\t'));
}

async function measure(row: OpCase): Promise<string[]> {
  const work = opWork(row);
  let size = 0;
  const forward = await medianMs(async () => {
    const y = work.forward();
    size = y.size;
    await y.data();
    y.dispose();
  });
  // Rows that are not differentiated (optimizer, averages) have no second figure.
  const { backward } = work;
  const both = backward === undefined ? '–' : (await medianMs(() => finish(backward()))).toFixed(4);
  work.dispose();
  const rate = (amount: number) => (amount / forward / 1e6).toFixed(2);
  return [forward.toFixed(4), rate(row.flops), rate(bytesMoved(row, size)), both];
}

async function finish(gradients: tf.Tensor[]): Promise<void> {
  await gradients[0]!.data();
  tf.dispose(gradients);
}

// After one call that warms up, the median of the calls that fill the time.
async function medianMs(body: () => Promise<void>): Promise<number> {
  await body();
  const times: number[] = [];
  const began = performance.now();
  do {
    const start = performance.now();
    await body();
    times.push(performance.now() - start);
  } while (performance.now() - began < 1000 * seconds);
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)]!;
}
