// npm run fuzz:checkpoints: mutants of checkpoints of every format, read; only errors of ours, no hang, no memory jump, nothing run.
//   npm run fuzz:checkpoints -- [--count N] [--from N] [--seed N]

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Rng } from '../../lib/core/rng.ts';
import { fuzzReaders } from '../support/checkpointMutants.ts';
import { canary } from '../support/gadgets.ts';

const help = `npm run fuzz:checkpoints -- [--count N] [--from N] [--seed N]
  --count N  mutants; default 100000
  --from N   the number of the first; default 0. Processes side by side take ranges of their own
  --seed N   default 18
  Ends with exit code 1 for an error that is not of ours, a reading of over 1 s, one that takes over 64 MB, or a canary.`;

const most = { ms: 1000, bytes: 64 * 2 ** 20 };
const batch = 10_000;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '18' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(help);
else {
  const [count, from, seed] = [values.count, values.from, values.seed].map((text) => {
    if (/^\d{1,12}$/.test(text)) return Number(text);
    console.error(`Expected integers ≥ 0, received ${text}. ${help}`);
    return process.exit(2);
  }) as [number, number, number];
  process.exitCode = await fuzz(count, from, new Rng(seed));
}

async function fuzz(count: number, from: number, rng: Rng): Promise<number> {
  const began = performance.now();
  // An error's stack takes longer than a reading; one mutant is made again with it.
  if (count > 1) Error.stackTraceLimit = 0;
  // The first readings compile the readers and fill the pools.
  await fuzzReaders(Math.min(count, 2000), rng, { from });
  let [read, refused, failures] = [0, 0, 0];
  let slowest = { ms: 0, mutant: -1 };
  let growth = { bytes: 0, mutant: -1 };
  for (let done = 0; done < count; done += batch) {
    const size = Math.min(batch, count - done);
    const found = await fuzzReaders(size, rng, { from: from + done, memory: true });
    read += found.read;
    refused += found.refused;
    failures += found.wrong.length;
    for (const line of found.wrong) console.error(line);
    if (found.slowest.ms > slowest.ms) slowest = found.slowest;
    if (found.growth.bytes > growth.bytes) growth = found.growth;
  }
  const ran = [path.join(tmpdir(), canary), canary].some((file) => existsSync(file));
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${read + refused + failures} mutants from number ${from}: ${read} read, ${refused} refused, ${failures} other errors, in ${seconds.toFixed(0)} s.`,
  );
  console.log(`Slowest: ${slowest.ms.toFixed(0)} ms, mutant ${slowest.mutant}. Largest growth: ${(growth.bytes / 2 ** 20).toFixed(1)} MB, mutant ${growth.mutant}. Canary: ${ran ? 'TOUCHED' : 'none'}.`); // prettier-ignore
  const sound = failures === 0 && slowest.ms <= most.ms && growth.bytes <= most.bytes && !ran;
  return sound ? 0 : 1;
}
