// npm run bench:ops: every row of the op table (test/cases/ops.ts) on each backend: forward, and forward with gradients.
//   npm run bench:ops -- [--backends native,wasm,cpu] [--seconds 0.2] [--only linear]

import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '../lib/node.ts';
import { benchCases, opCases } from '../test/cases/ops.ts';
import { bytesMoved, differentiable, drawInputs } from '../test/support/opCase.ts';
import type { OpCase } from '../test/support/opCase.ts';

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
const rows = [...benchCases, ...opCases].filter(({ name }) => name.includes(values.only));

for (const backend of values.backends.split(',')) {
  const { reason, warnings } = await selectBackend({ backend, threads });
  for (const line of [reason, ...warnings]) console.log(`# ${line}`);
  console.log('backend\trow\tforward ms\tGFLOP/s\tGB/s\tforward+gradients ms');
  for (const row of rows) console.log([backend, row.name, ...(await measure(row))].join('\t'));
}

async function measure(row: OpCase): Promise<string[]> {
  const inputs = new Map(
    [...drawInputs(row)].map(([name, data]) => [
      name,
      tf.tensor(data, [...row.inputs[name]!.shape]),
    ]),
  );
  const wanted = differentiable(row);
  const run = (xs: tf.Tensor[] = []) => {
    const changed = wanted.map((name, i) => [name, xs[i] ?? inputs.get(name)!] as const);
    return row.run({ ...Object.fromEntries(inputs), ...Object.fromEntries(changed) });
  };
  let size = 0;
  const forward = await medianMs(async () => {
    const y = tf.tidy(() => run());
    size = y.size;
    await y.data();
    y.dispose();
  });
  const both = await backward(
    run,
    wanted.map((name) => inputs.get(name)!),
  );
  tf.dispose([...inputs.values()]);
  const rate = (amount: number) => (amount / forward / 1e6).toFixed(2);
  return [forward.toFixed(4), rate(row.flops), rate(bytesMoved(row, size)), both];
}

// Rows that are not differentiated (optimizer, averages) have no second figure.
async function backward(run: (xs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): Promise<string> {
  if (inputs.length === 0) return '–';
  const gradients = tf.grads((...xs: tf.Tensor[]) => tf.sum(run(xs)));
  const ms = await medianMs(async () => {
    const all = tf.tidy(() => gradients(inputs));
    await all[0]!.data();
    tf.dispose(all);
  });
  return ms.toFixed(4);
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
